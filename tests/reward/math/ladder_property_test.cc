// Random expressions: equal by construction, and different by construction.
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "reward/math/ladder.h"
#include "tests/reward/math/build_expression.h"

namespace grpo {
namespace {

using namespace testing;  // NOLINT: the words of expressions

class RandomExpressions {
 public:
  explicit RandomExpressions(uint32_t seed) : random_(seed) {}

  int Pick(int count) { return static_cast<int>(random_() % static_cast<uint32_t>(count)); }

  // Positive everywhere, and strictly monotone in each of its leaves, which are at least 1.
  Built Make(int depth, bool variables) {
    if (depth == 0) {
      if (variables && Pick(2) == 0) return Pow(Var(Pick(2) == 0 ? "x" : "n"), 2);
      return Pick(8) == 0 ? Pi() : Built(1 + Pick(30));
    }
    const Built a = Make(depth - 1, variables);
    switch (Pick(8)) {
      case 0:
      case 1:
        return a + Make(depth - 1, variables);
      case 2:
      case 3:
        return a * Make(depth - 1, variables);
      case 4:
        return a / Make(depth - 1, variables);
      case 5:
        return Sqrt(Pow(a, 2) + Make(depth - 1, variables));
      case 6:
        return Ln(a * a + 2);
      default:
        return Pow(a, 2);
    }
  }

  // The same value, written differently.
  Built Rewrite(const Built& a) {
    switch (Pick(9)) {
      case 0:
        return a + 7 - 7;
      case 1:
        return Built(3) * a / 3;
      case 2:
        return -(-a);
      case 3:
        return Built(1) / (Built(1) / a);
      case 4:
        return Number("0.5") * (a + a);
      case 5:
        return (Pow(a, 2) + a) / (a + 1);
      case 6:
        return Ln(Exp(a / 1000000)) * 1000000;
      case 7:
        return Pow(a * a, Built(1) / 2) * Sin(Pi() / 2) + a - a;
      default:
        return a * (Pow(Sin(a / 50), 2) + Pow(Cos(a / 50), 2));
    }
  }

 private:
  std::mt19937 random_;
};

// Symmetric, and `wanted` or undecided; 1 where it is undecided.
int CheckBoth(const Expression& a, const Expression& b, Decision wanted, int seed) {
  const LadderResult forth = CompareExpressions(a, b);
  const LadderResult back = CompareExpressions(b, a);
  EXPECT_EQ(back.decision, forth.decision) << seed << ": " << back.reason;
  if (forth.decision == Decision::kUndecided) return 1;
  EXPECT_EQ(forth.decision, wanted) << seed << ": " << forth.reason;
  return 0;
}

constexpr int kMostUndecided = 12;  // of 600: their numbers are too long for the fuel there is

TEST(LadderPropertyTest, EveryExpressionEqualsItself) {
  for (int seed = 0; seed < 200; ++seed) {
    RandomExpressions random(seed);
    const Built a = random.Make(1 + random.Pick(5), seed % 2 == 1);
    EXPECT_EQ(CheckBoth(a, a, Decision::kEqual, seed), 0);
  }
}

TEST(LadderPropertyTest, RewrittenExpressionsAreEqual) {
  int undecided = 0;
  for (int seed = 0; seed < 600; ++seed) {
    RandomExpressions random(seed);

    const Built a = random.Make(1 + random.Pick(2), seed % 2 == 1);
    undecided += CheckBoth(random.Rewrite(a), a, Decision::kEqual, seed);
  }
  EXPECT_LE(undecided, kMostUndecided);
}

TEST(LadderPropertyTest, SlightlyDifferentExpressionsAreDifferent) {
  int undecided = 0;
  for (int seed = 0; seed < 600; ++seed) {
    RandomExpressions random(seed);
    const Built a = random.Make(1 + random.Pick(3), seed % 2 == 1);
    const Built tiny = Built(1) / Pow(10, 10 + random.Pick(60));
    undecided += CheckBoth(random.Rewrite(a), a * (Built(1) + tiny), Decision::kNotEqual, seed);
  }
  EXPECT_LE(undecided, kMostUndecided);
}

// Changes the number at leaf `leaf`, counted over numbers; false where there is none.
bool ChangeLeaf(Expression& expression, int leaf) {
  for (Expression::Node& node : expression.nodes) {
    if (node.op != Op::kNumber || leaf-- != 0) continue;
    node.text = std::to_string(std::stoi(node.text) + 1);
    return true;
  }
  return false;
}

TEST(LadderPropertyTest, AChangedLeafChangesTheValue) {
  int undecided = 0;
  for (int seed = 0; seed < 600; ++seed) {
    RandomExpressions random(seed);
    const Built a = random.Make(1 + random.Pick(4), false);
    Expression changed = a;
    if (!ChangeLeaf(changed, 0)) continue;
    // All is positive and monotone in each leaf, so nothing can hide the change of one.
    undecided += CheckBoth(a, changed, Decision::kNotEqual, seed);
  }
  EXPECT_LE(undecided, kMostUndecided);
}

}  // namespace
}  // namespace grpo
