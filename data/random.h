// Counter-based random numbers: a draw is a pure function of its key and counter, so that what is
// sampled does not depend on the batch, the thread count, the rank or a resume.
//
// Philox4x32-10: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
#pragma once

#include <array>
#include <cstdint>

namespace grpo {

// The four 32-bit words for one counter under one key.
std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// Mixes two words into one (SplitMix64's finaliser over their combination); for deriving seeds.
uint64_t MixSeed(uint64_t seed, uint64_t stream);

// A stream of draws under one 64-bit seed and one 64-bit stream number. Cheap to make; copy to
// fork. Example: RandomStream random(seed, prompt_index); int digit = random.Below(10);
class RandomStream {
 public:
  RandomStream(uint64_t seed, uint64_t stream) : seed_(seed), stream_(stream) {}

  uint64_t Next64();
  // Uniform in [0, bound), without modulo bias; bound > 0.
  uint64_t Below(uint64_t bound);
  // Uniform in [low, high], both included.
  int64_t Between(int64_t low, int64_t high);
  // Uniform in [0, 1), 53 bits.
  double Uniform();
  // Standard normal (Box-Muller).
  double Normal();

 private:
  uint64_t seed_;
  uint64_t stream_;
  uint64_t position_ = 0;
  std::array<uint32_t, 4> block_ = {};
};

// The uniform in (0, 1) with which sample `sample` of prompt `prompt_id` draws its token at
// `position`.
double SamplingUniform(uint64_t run_seed, uint64_t prompt_id, uint32_t sample, uint32_t position);

}  // namespace grpo
