#include "reward/math/modular_value.h"

#include <gtest/gtest.h>

#include "tests/reward/math/build_expression.h"

namespace grpo {
namespace {

using namespace testing;  // NOLINT: the words of expressions

absl::optional<Residue> ValueOf(const Built& built) {
  const Expression& expression = built;
  ExactEvaluator exact(expression);
  ModularEvaluator evaluator(expression, exact, PrimeField::Fixed(0), /*point=*/1);
  return evaluator.Evaluate(static_cast<int32_t>(expression.nodes.size()) - 1, {});
}

void ExpectSame(const Built& a, const Built& b, bool formal) {
  const absl::optional<Residue> left = ValueOf(a);
  const absl::optional<Residue> right = ValueOf(b);
  ASSERT_TRUE(left && right);
  EXPECT_EQ(left->value, right->value);
  EXPECT_EQ(left->formal, formal);
}

TEST(PrimeFieldTest, HasAnImaginaryUnit) {
  for (int i = 0; i < PrimeField::kNumFixed; ++i) {
    const PrimeField& field = PrimeField::Fixed(i);
    const uint64_t unit = field.imaginary_unit();
    EXPECT_EQ(field.modulus().Multiply(unit, unit), field.prime() - 1);
    EXPECT_EQ(field.modulus().Multiply(field.Inverse(12345), 12345), 1u);
    EXPECT_GT(field.prime(), uint64_t{1} << 60);
    EXPECT_LT(field.prime(), uint64_t{1} << 61);
  }
}

TEST(ModularValueTest, FollowsTheLawsOfFractions) {
  const Built x = Var("x");
  ExpectSame(Pow(x + 1, 2), Pow(x, 2) + Built(2) * x + 1, /*formal=*/false);
  ExpectSame(Built(1) / (x - I()), (x + I()) / (Pow(x, 2) + 1), /*formal=*/false);
  ExpectSame(Pow(x, -2), Built(1) / (x * x), /*formal=*/false);
  ExpectSame(Factorial(1000) / Factorial(999), 1000, /*formal=*/false);
  ExpectSame(Binomial(x, 3), x * (x - 1) * (x - 2) / 6, /*formal=*/false);
}

TEST(ModularValueTest, FollowsSomeLawsOfFunctions) {
  const Built x = Var("x");
  ExpectSame(Pow(Sin(x), 2) + Pow(Cos(x), 2), 1, /*formal=*/true);
  ExpectSame(Sin(-x), -Sin(x), /*formal=*/true);
  ExpectSame(Pow(E(), -x), Built(1) / Exp(x), /*formal=*/true);
  ExpectSame(Log(3, 2), Ln(3) / Ln(2), /*formal=*/true);
  ExpectSame(Built(3) * Pi() / 2, Number("1.5") * Pi(), /*formal=*/true);
}

TEST(ModularValueTest, HasNoValueForAZeroDivisor) {
  EXPECT_FALSE(ValueOf(Built(1) / 0));
  EXPECT_FALSE(ValueOf(Built(1) / (Var("x") - Var("x"))));
  EXPECT_FALSE(ValueOf(Pow(Var("x") - Var("x"), -1)));
}

TEST(TowerModuloTest, AgreesWithSmallPowers) {
  for (uint64_t modulus = 1; modulus < 60; ++modulus) {
    for (int base = 0; base < 9; ++base) {
      const Expression tower = Pow(base, Pow(3, Pow(2, 2)));  // base^81
      uint64_t expected = 1 % modulus;
      for (int i = 0; i < 81; ++i) expected = expected * static_cast<uint64_t>(base) % modulus;
      Fuel fuel(1'000'000);
      EXPECT_EQ(
          TowerModulo(tower, static_cast<int32_t>(tower.nodes.size()) - 1, Modulus(modulus), fuel),
          expected)
          << base << " mod " << modulus;
    }
  }
}

// 2^(2^(2^100)) in steps of repeated squaring: 2^100 and so on are known modulo small numbers.
TEST(TowerModuloTest, ReducesHugeExponents) {
  const Expression tower = Pow(2, Pow(2, Pow(2, 100)));
  Fuel fuel(1'000'000);
  // Powers of 2 modulo 7 have the period 3; 2^(even) leaves 1 modulo 3, so the tower is 2^1.
  EXPECT_EQ(TowerModulo(tower, static_cast<int32_t>(tower.nodes.size()) - 1, Modulus(7), fuel), 2u);
  // It is a multiple of 12's part 4, and leaves 1 modulo 3.
  EXPECT_EQ(TowerModulo(tower, static_cast<int32_t>(tower.nodes.size()) - 1, Modulus(12), fuel),
            4u);
}

}  // namespace
}  // namespace grpo
