#include "data/random.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

// Known answers from the Random123 distribution's kat_vectors for philox4x32-10.
TEST(PhiloxTest, GivesTheKnownAnswersOfRandom123) {
  EXPECT_EQ(Philox4x32({0, 0, 0, 0}, {0, 0}),
            (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(RandomStreamTest, IsAPureFunctionOfSeedStreamAndPosition) {
  RandomStream a(7, 3), b(7, 3), other(7, 4);
  const uint64_t first = a.Next64();
  EXPECT_EQ(first, b.Next64());
  EXPECT_NE(first, other.Next64());
}

TEST(RandomStreamTest, DrawsEachValueBelowTheBoundAboutEquallyOften) {
  RandomStream random(1, 1);
  std::array<int, 7> counts = {};
  for (int i = 0; i < 70000; ++i) ++counts[random.Below(7)];
  for (int count : counts) EXPECT_NEAR(count, 10000, 500);
}

TEST(SamplingUniformTest, DiffersByEveryPartOfItsKeyAndStaysInsideTheUnitInterval) {
  const double u = SamplingUniform(1, 2, 3, 4);
  EXPECT_EQ(u, SamplingUniform(1, 2, 3, 4));
  for (double other : {SamplingUniform(2, 2, 3, 4), SamplingUniform(1, 3, 3, 4),
                       SamplingUniform(1, 2, 4, 4), SamplingUniform(1, 2, 3, 5)}) {
    EXPECT_NE(u, other);
    EXPECT_GT(other, 0);
    EXPECT_LT(other, 1);
  }
}

}  // namespace
}  // namespace grpo
