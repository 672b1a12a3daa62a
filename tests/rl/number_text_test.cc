#include "rl/number_text.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(NumberTextTest, IsShortAndReadsBackExactly) {
  EXPECT_EQ(ExactDouble(0.1), "0.1");
  EXPECT_EQ(ExactDouble(1), "1.0");
  EXPECT_EQ(ExactDouble(-0.0), "-0.0");
  EXPECT_EQ(ExactDouble(1e-8), "1e-08");
  EXPECT_EQ(ShortDouble(65536), "65536");
  for (double value : {1.0 / 3, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, 123456789012345678.0}) {
    EXPECT_EQ(std::strtod(ExactDouble(value).c_str(), nullptr), value);
  }
}

}  // namespace
}  // namespace grpo
