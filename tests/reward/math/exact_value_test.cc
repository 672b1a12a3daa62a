#include "reward/math/exact_value.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/reward/math/build_expression.h"

namespace grpo {
namespace {

using namespace testing;  // NOLINT: the words of expressions

// "none" where there is no exact value.
std::string Exact(const Built& built) {
  const Expression& expression = built;
  ExactEvaluator evaluator(expression);
  const absl::optional<Rational> value = evaluator.EvaluateRoot();
  return value ? value->ToString() : "none";
}

TEST(ExactValueTest, ReadsDecimals) {
  EXPECT_EQ(Exact(Number("12.50")), "25/2");
  EXPECT_EQ(Exact(Number(".5")), "1/2");
  EXPECT_EQ(Exact(Number("5.")), "5");
  EXPECT_EQ(Exact(Number("0007")), "7");
  EXPECT_EQ(Exact(Number("123456789012345678901234567890")), "123456789012345678901234567890");
  EXPECT_EQ(Exact(Built(Op::kRepeating, "0.1(6)")), "1/6");
  EXPECT_EQ(Exact(Built(Op::kRepeating, "3.(142857)")), "22/7");
}

TEST(ExactValueTest, RefusesWhatIsNoDecimal) {
  for (const char* const text : {"", ".", "1.2.3", "-1", "1e5", "0x1"}) {
    EXPECT_EQ(Exact(Number(text)), "none") << text;
  }
  for (const char* const text : {"", "(3)", "0.()", "0.(3", "1(6)", "0.(3)4"}) {
    EXPECT_EQ(Exact(Built(Op::kRepeating, text)), "none") << text;
  }
  EXPECT_EQ(Exact(Number(std::string(4001, '1'))), "none");
}

TEST(ExactValueTest, CalculatesWithFractions) {
  EXPECT_EQ(Exact(Built(1) / 3 + Built(1) / 6), "1/2");
  EXPECT_EQ(Exact(Pow(Built(2) / 3, -3)), "27/8");
  EXPECT_EQ(Exact(Pow(8, Built(2) / 3)), "4");
  EXPECT_EQ(Exact(Sqrt(Built(9) / 4)), "3/2");
  EXPECT_EQ(Exact(Log(8, 4)), "3/2");
  EXPECT_EQ(Exact(Log(Built(1) / 100, 10)), "-2");
  EXPECT_EQ(Exact(Built(Op::kMod, {Built(-7), Built(3)})), "2");
  EXPECT_EQ(Exact(Fn(Op::kFloor, Built(-7) / 2)), "-4");
  EXPECT_EQ(Exact(Fn(Op::kCeiling, Built(-7) / 2)), "-3");
  EXPECT_EQ(Exact(Sum("k", 1, 4, Built(1) / Var("k"))), "25/12");
  EXPECT_EQ(Exact(Sum("k", 1, 3, Sum("j", 1, Var("k"), Var("j")))), "10");
  EXPECT_EQ(Exact(Sum("k", 5, 1, Var("k"))), "0");
  EXPECT_EQ(Exact(Binomial(5, 7)), "0");
}

TEST(ExactValueTest, HasNoValueWhereThereIsNoneOrATooLargeOne) {
  EXPECT_EQ(Exact(Built(1) / 0), "none");
  EXPECT_EQ(Exact(Pow(0, 0)), "none");
  EXPECT_EQ(Exact(Pow(0, -1)), "none");
  EXPECT_EQ(Exact(Built(Op::kMod, {Built(1), Built(0)})), "none");
  EXPECT_EQ(Exact(Sqrt(2)), "none");
  EXPECT_EQ(Exact(Root(-8, 3)), "none");
  EXPECT_EQ(Exact(Root(8, 0)), "none");
  EXPECT_EQ(Exact(Log(8, 1)), "none");
  EXPECT_EQ(Exact(Log(-8, 2)), "none");
  EXPECT_EQ(Exact(Factorial(-1)), "none");
  EXPECT_EQ(Exact(Factorial(100000)), "none");
  EXPECT_EQ(Exact(Pow(9, Pow(9, 9))), "none");
  EXPECT_EQ(Exact(Pow(1, Pow(10, 30))), "1");
  EXPECT_EQ(Exact(Pow(-1, Pow(10, 30) + 1)), "-1");
  EXPECT_EQ(Exact(Var("x")), "none");
}

}  // namespace
}  // namespace grpo
