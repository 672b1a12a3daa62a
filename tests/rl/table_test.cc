#include "rl/table.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(TableTest, AlignsColumnsByCharacters) {
  EXPECT_EQ(FormatTable({"name", "n"}, {{"a", "10"}, {"größer", "7"}}),
            "name     n\n"
            "------  --\n"
            "a       10\n"
            "größer   7\n");
}

TEST(TableTest, FillsShortRowsAndWidensForLongOnes) {
  EXPECT_EQ(FormatTable({"a", "b"}, {{"x"}, {"x", "y", "z"}}),
            "a  b\n"
            "-  -  -\n"
            "x\n"
            "x  y  z\n");
  EXPECT_EQ(FormatTable({"a"}, {}), "a\n-\n");
}

TEST(TableTest, ShowsChangesWithTheirInterval) {
  PassRateChange addition{"addition", 0.35, 0.96, 0.55, 0.67};
  PassRateChange sorting{"sorting", absl::nullopt, 1.0, 0, 0};
  PassRateChange worse{"all", 0.5, 0.45, -0.08, 0.02};
  EXPECT_EQ(FormatPassRateChanges("family", {addition, sorting, worse}),
            "family    before    after  change   95 % interval\n"
            "--------  ------  -------  ------  --------------\n"
            "addition  35.0 %   96.0 %   +61.0  [+55.0, +67.0]\n"
            "sorting        -  100.0 %\n"
            "all       50.0 %   45.0 %    -5.0    [-8.0, +2.0]\n");
}

}  // namespace
}  // namespace grpo
