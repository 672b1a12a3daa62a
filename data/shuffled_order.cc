#include "data/shuffled_order.h"

#include "data/check.h"
#include "data/random.h"

namespace grpo {
namespace {

constexpr int kRounds = 8;

// One to one over the numbers of 2 * half_bits bits.
uint64_t Permute(uint64_t number, int half_bits, uint64_t key) {
  const uint64_t mask = (uint64_t{1} << half_bits) - 1;
  uint64_t left = number >> half_bits, right = number & mask;
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t mixed = MixSeed(MixSeed(key, round), right);
    const uint64_t next = left ^ (mixed & mask);
    left = right;
    right = next;
  }
  return left << half_bits | right;
}

}  // namespace

uint64_t ShuffledItem(uint64_t place, uint64_t size, uint64_t seed, uint64_t epoch) {
  GRPO_CHECK(place < size && size <= uint64_t{1} << 62);
  int half_bits = 1;
  while (uint64_t{1} << (2 * half_bits) < size) ++half_bits;
  const uint64_t key = MixSeed(seed, epoch);
  uint64_t item = place;
  do {
    item = Permute(item, half_bits, key);
  } while (item >= size);
  return item;
}

}  // namespace grpo
