#include "data/random.h"

#include <cmath>

#include "data/check.h"

namespace grpo {
namespace {

constexpr uint32_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;

uint32_t Low(uint64_t word) { return static_cast<uint32_t>(word); }
uint32_t High(uint64_t word) { return static_cast<uint32_t>(word >> 32); }

}  // namespace

std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{kMultiplier0} * counter[0];
    const uint64_t product1 = uint64_t{kMultiplier1} * counter[2];
    counter = {High(product1) ^ counter[1] ^ key[0], Low(product1),
               High(product0) ^ counter[3] ^ key[1], Low(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

uint64_t MixSeed(uint64_t seed, uint64_t stream) {
  uint64_t word = seed + 0x9E3779B97F4A7C15ull * (stream + 1);
  word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9ull;
  word = (word ^ (word >> 27)) * 0x94D049BB133111EBull;
  return word ^ (word >> 31);
}

uint64_t RandomStream::Next64() {
  if (position_ % 2 == 0) {
    const uint64_t block = position_ / 2;
    block_ = Philox4x32({Low(block), High(block), Low(stream_), High(stream_)},
                        {Low(seed_), High(seed_)});
  }
  const int half = position_ % 2 == 0 ? 0 : 2;
  ++position_;
  return uint64_t{block_[half]} << 32 | block_[half + 1];
}

uint64_t RandomStream::Below(uint64_t bound) {
  GRPO_CHECK(bound > 0);
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  uint64_t word;
  do {
    word = Next64();
  } while (word >= limit);
  return word % bound;
}

int64_t RandomStream::Between(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(Below(static_cast<uint64_t>(high - low) + 1));
}

double RandomStream::Uniform() { return static_cast<double>(Next64() >> 11) * 0x1p-53; }

double RandomStream::Normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - Uniform()));
  return radius * std::cos(2.0 * M_PI * Uniform());
}

double SamplingUniform(uint64_t run_seed, uint64_t prompt_id, uint32_t sample, uint32_t position) {
  const auto words = Philox4x32({Low(prompt_id), High(prompt_id), sample, position},
                                {Low(run_seed), High(run_seed)});
  const uint64_t bits = uint64_t{words[0]} << 21 | words[1] >> 11;
  return (static_cast<double>(bits) + 0.5) * 0x1p-53;
}

}  // namespace grpo
