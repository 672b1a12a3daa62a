#include "reward/math/ladder.h"

#include <algorithm>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/reward/math/build_expression.h"

namespace grpo {
namespace {

using namespace testing;  // NOLINT: the words of expressions

std::string Name(const LadderResult& result) {
  const char* const names[] = {"equal", "not equal", "undecided"};
  return std::string(names[static_cast<int>(result.decision)]) + ": " + result.reason;
}

void ExpectDecision(const Built& a, const Built& b, Decision decision) {
  const LadderResult forth = CompareExpressions(a, b);
  const LadderResult back = CompareExpressions(b, a);
  EXPECT_EQ(forth.decision, decision) << Name(forth);
  EXPECT_EQ(back.decision, forth.decision) << Name(back);
}

#define EXPECT_EQUAL(a, b)                  \
  {                                         \
    SCOPED_TRACE(#a " and " #b);            \
    ExpectDecision(a, b, Decision::kEqual); \
  }
#define EXPECT_DIFFERENT(a, b)                 \
  {                                            \
    SCOPED_TRACE(#a " and " #b);               \
    ExpectDecision(a, b, Decision::kNotEqual); \
  }

absl::optional<int> Order(const Built& a, const Built& b) { return CompareReal(a, b); }

const Built x = Var("x");
const Built y = Var("y");
const Built n = Var("n");

TEST(LadderTest, ComparesNumbersExactly) {
  EXPECT_EQUAL(42, Number("42.0"));
  EXPECT_EQUAL(42, Number("042"));
  EXPECT_EQUAL(Built(1) / 2, Number("0.5"));
  EXPECT_EQUAL(Built(1) / 3, Built(Op::kRepeating, "0.(3)"));
  EXPECT_EQUAL(Built(1) / 6, Built(Op::kRepeating, "0.1(6)"));
  EXPECT_EQUAL(1, Built(Op::kRepeating, "0.(9)"));
  EXPECT_EQUAL(Fn(Op::kPercent, 50), Number("0.5"));
  EXPECT_EQUAL(Number("1.2") * Pow(10, 3), 1200);
  EXPECT_DIFFERENT(Built(1) / 3, Number("0.333333333"));
  EXPECT_DIFFERENT(42, 43);
  EXPECT_DIFFERENT(42, -42);
  EXPECT_DIFFERENT(0, Pow(10, -30));
}

TEST(LadderTest, TellsSmallDifferencesApart) {
  EXPECT_DIFFERENT(Built(1) / Factorial(2004), Built(1) / Factorial(2006));
  EXPECT_DIFFERENT(Pow(2, -99), Pow(2, -98));
  EXPECT_DIFFERENT(Pow(10, -20), Built(2) * Pow(10, -20));
  EXPECT_DIFFERENT(Sin(Pow(10, -9)), Pow(10, -9));
  EXPECT_DIFFERENT((Pow(2, 2005) + 1) / (Built(3) * Pow(2, 2006)),
                   Built(1) / (Built(3) * Pow(2, 2006)));
  EXPECT_DIFFERENT(Cos(Pow(10, -10)), 1);
  EXPECT_DIFFERENT(Pow(10, 100), Pow(10, 100) + 1);
  EXPECT_DIFFERENT(Exp(Pi() * Sqrt(163)), Number("262537412640768744"));
  EXPECT_DIFFERENT(Built(4), Built(4) * Sqrt(2));
  EXPECT_DIFFERENT(Built(1) - Built(1) / E(), Built(1) + Built(1) / E());
  EXPECT_DIFFERENT(Sin(x * Pow(10, -9)), x * Pow(10, -9));
  EXPECT_DIFFERENT(x, x + Pow(10, -60));
  EXPECT_DIFFERENT(Sin(x), Sin(x) + Pow(10, -60));
  EXPECT_DIFFERENT(Pi(), Built(22) / 7);
  EXPECT_DIFFERENT(Pi(), Number("3.14159265358979323846264338327950288419716939937510"));
}

TEST(LadderTest, KnowsRadicals) {
  EXPECT_EQUAL(Built(1) / Sqrt(2), Sqrt(2) / 2);
  EXPECT_EQUAL(Sqrt(Built(3) + Built(2) * Sqrt(2)), Built(1) + Sqrt(2));
  EXPECT_EQUAL(Sqrt(Built(5) + Built(2) * Sqrt(6)), Sqrt(2) + Sqrt(3));
  EXPECT_EQUAL(Pow(4, Built(1) / 2), 2);
  EXPECT_EQUAL(Sqrt(18), Built(3) * Sqrt(2));
  EXPECT_EQUAL(Sqrt(2) * Sqrt(3), Sqrt(6));
  EXPECT_EQUAL(Sqrt(-4), Built(2) * I());
  EXPECT_DIFFERENT(Sqrt(2) + Sqrt(3), Sqrt(5));
  EXPECT_DIFFERENT(Sqrt(2), Number("1.4142135623730951"));
}

TEST(LadderTest, ReadsOddRootsOfNegativeNumbersBothWays) {
  EXPECT_EQUAL(Root(Built(2) + Sqrt(5), 3) + Root(Built(2) - Sqrt(5), 3), 1);
  EXPECT_EQUAL(Root(-8, 3), -2);
  EXPECT_EQUAL(Pow(-8, Built(1) / 3), -2);
  EXPECT_EQUAL(Pow(-8, Built(1) / 3), Built(1) + I() * Sqrt(3));
  EXPECT_EQUAL(Pow(-8, Built(2) / 3), 4);
  EXPECT_DIFFERENT(Pow(-8, Built(1) / 3), 2);
}

TEST(LadderTest, KnowsConstantsOfAnalysis) {
  EXPECT_EQUAL(Pow(E(), I() * Pi()), -1);
  EXPECT_EQUAL(Pow(E(), Built(2) * Pi() * I() / 3), Built(-1) / 2 + Sqrt(3) / 2 * I());
  EXPECT_EQUAL(Pow(I(), 2), -1);
  EXPECT_EQUAL(Built(1) / I(), -I());
  EXPECT_EQUAL(Pow(Built(1) + I(), 2), Built(2) * I());
  EXPECT_EQUAL(Built(4) * Fn(Op::kArctan, Built(1) / 5) - Fn(Op::kArctan, Built(1) / 239),
               Pi() / 4);
  EXPECT_EQUAL(Tan(Degrees(15)), Built(2) - Sqrt(3));
  EXPECT_EQUAL(Sin(Degrees(30)), Built(1) / 2);
  EXPECT_EQUAL(Degrees(45), Pi() / 4);
  EXPECT_EQUAL(Ln(8), Built(3) * Ln(2));
  EXPECT_EQUAL(Pow(E(), Ln(5)), 5);
  EXPECT_EQUAL(Ln(3) / Ln(2), Log(3, 2));
  EXPECT_EQUAL(Log(1000, 10), 3);
  EXPECT_EQUAL(Log(8, 4), Number("1.5"));
  EXPECT_EQUAL(Cos(Pi() / 5), (Built(1) + Sqrt(5)) / 4);
  EXPECT_EQUAL(Built(3) * Pi() / 2, Number("1.5") * Pi());
  EXPECT_EQUAL(Pow(Sqrt(2), Sqrt(2)), Pow(2, Sqrt(2) / 2));
  EXPECT_DIFFERENT(Ln(9), Built(3) * Ln(2));
  EXPECT_DIFFERENT(Log(9, 2), Log(9, 3));
}

TEST(LadderTest, KnowsIntegerFunctions) {
  EXPECT_EQUAL(Binomial(10, 3), 120);
  EXPECT_EQUAL(Factorial(5), 120);
  EXPECT_EQUAL(Factorial(2006) / Factorial(2004), Built(2006) * 2005);
  EXPECT_EQUAL(Fn(Op::kFloor, Number("3.7")), 3);
  EXPECT_EQUAL(Fn(Op::kFloor, -Number("3.2")), -4);
  EXPECT_EQUAL(Fn(Op::kFloor, Pi() * 10), 31);
  EXPECT_EQUAL(Built(Op::kGcd, {Built(12), Built(18)}), 6);
  EXPECT_EQUAL(Built(Op::kLcm, {Built(4), Built(6)}), 12);
  EXPECT_EQUAL(Built(Op::kMax, {Sqrt(2), Built(1), Built(-4)}), Sqrt(2));
  EXPECT_EQUAL(Built(Op::kMod, {Pow(7, 2025), Built(10)}), 7);
  EXPECT_EQUAL(Built(Op::kMod, {Pow(2, Pow(10, 9)), Built(7)}), 2);
  EXPECT_EQUAL(Sum("k", 1, 100, Var("k")), 5050);
  EXPECT_EQUAL(Built(Op::kProduct, {Var("k"), Built(1), Built(5), Var("k")}), 120);
  EXPECT_EQUAL(Sum("k", 1, n, Var("k")), n * (n + 1) / 2);
  EXPECT_EQUAL(Sum("k", 0, 10, Binomial(10, Var("k"))), 1024);
  EXPECT_EQUAL(Sum("k", 0, 3, Pow(x, Var("k"))), (Pow(x, 4) - 1) / (x - 1));
  EXPECT_EQUAL(Factorial(n + 1) / Factorial(n), n + 1);
  EXPECT_EQUAL(Binomial(n, 2), n * (n - 1) / 2);
  EXPECT_EQUAL(Binomial(n, 2), Factorial(n) / (Built(2) * Factorial(n - 2)));
  EXPECT_DIFFERENT(Fn(Op::kFloor, x), x);
  EXPECT_DIFFERENT(Sum("k", 1, n, Var("k")), n * (n - 1) / 2);
}

TEST(LadderTest, ComparesFunctionsOfVariables) {
  EXPECT_EQUAL(Pow(x + 1, 3), Pow(x, 3) + Built(3) * Pow(x, 2) + Built(3) * x + 1);
  EXPECT_EQUAL(Pow(Sin(x), 2) + Pow(Cos(x), 2), 1);
  EXPECT_EQUAL(Cos(Built(2) * x), Built(1) - Built(2) * Pow(Sin(x), 2));
  EXPECT_EQUAL(Sin(x) / Cos(x), Tan(x));
  EXPECT_EQUAL(Pow(2, n + 1), Built(2) * Pow(2, n));
  EXPECT_EQUAL(Exp(x) * Exp(y), Exp(x + y));
  EXPECT_EQUAL((Pow(x, 2) - 1) / (x - 1), x + 1);
  EXPECT_EQUAL(Cos(n * Pi()), Pow(-1, n));
  EXPECT_EQUAL(Root(Pow(x, 3), 3), x);
  EXPECT_EQUAL(Built(Op::kCall, {Built(2) * x}, "f") + 1,
               Built(1) + Built(Op::kCall, {x + x}, "f"));
  EXPECT_EQUAL(Fn(Op::kArcsin, x) + Fn(Op::kArccos, x), Pi() / 2);
  EXPECT_EQUAL(Fn(Op::kAbs, x - y), Fn(Op::kAbs, y - x));
  EXPECT_DIFFERENT(Built(Op::kCall, {x}, "f"), Built(Op::kCall, {x}, "g"));
  EXPECT_DIFFERENT(Sin(Pow(x, 2)), Pow(Sin(x), 2));
  EXPECT_DIFFERENT(x, y);
  EXPECT_DIFFERENT(Pow(x + 1, 3), Pow(x, 3) + 1);
  EXPECT_DIFFERENT(Fn(Op::kAbs, x), x);
  EXPECT_DIFFERENT(Pow(2, n), Pow(2, n + 1));
}

TEST(LadderTest, ComparesRealFunctionsWhereBothAreDefined) {
  EXPECT_DIFFERENT(Sqrt(Pow(x, 2)), x);
  EXPECT_EQUAL(Sqrt(Pow(x, 2)), Fn(Op::kAbs, x));
  EXPECT_EQUAL(Pow(Sqrt(x), 2), x);
  EXPECT_EQUAL(Ln(Pow(x, 2)), Built(2) * Ln(x));
  EXPECT_DIFFERENT(Ln(Pow(x, 2)), Ln(x));
}

TEST(LadderTest, TakesPlusMinusAsTheSetOfBothValues) {
  EXPECT_EQUAL(Built(1) + PlusMinus(2), Built(1) + PlusMinus(-2));
  EXPECT_EQUAL((Built(2) + PlusMinus(Sqrt(8))) / 2, Built(1) + PlusMinus(Sqrt(2)));
  EXPECT_DIFFERENT(Built(1) + PlusMinus(2), Built(1) + PlusMinus(3));
  EXPECT_DIFFERENT(Built(1) + PlusMinus(2), 3);
}

TEST(LadderTest, ComparesEquationsUpToAFactor) {
  const Built line = Built(3) * x - y + 13;
  EXPECT_EQ(CompareUpToFactor(line, Built(-2) * line).decision, Decision::kEqual);
  EXPECT_EQ(
      CompareUpToFactor(line, Sqrt(2) * y - Built(3) * Sqrt(2) * x - Built(13) * Sqrt(2)).decision,
      Decision::kEqual);
  EXPECT_EQ(CompareUpToFactor(line, Built(3) * x + Built(4) * y + 14).decision,
            Decision::kNotEqual);
  EXPECT_EQ(CompareUpToFactor(line, x * line).decision, Decision::kNotEqual);
  EXPECT_EQ(CompareUpToFactor(Sin(x) - y, Built(2) * y - Built(2) * Sin(x)).decision,
            Decision::kEqual);
  EXPECT_EQ(CompareUpToFactor(Sin(Built(2) * x), Sin(x) * Cos(x)).decision, Decision::kEqual);
  EXPECT_EQ(CompareUpToFactor(Sin(x), Cos(x)).decision, Decision::kNotEqual);
  EXPECT_EQ(CompareUpToFactor(x - x, x).decision, Decision::kNotEqual);
}

TEST(LadderTest, OrdersRealConstants) {
  const Built infinity(Op::kInfinity);
  EXPECT_EQ(Order(Sqrt(2), Number("1.4142135623730951")), -1);
  EXPECT_EQ(Order(Pi(), 3), 1);
  EXPECT_EQ(Order(Sqrt(8), Built(2) * Sqrt(2)), 0);
  EXPECT_EQ(Order(-infinity, Pow(-10, 99)), -1);
  EXPECT_EQ(Order(infinity, infinity), 0);
  EXPECT_EQ(Order(x, 1), absl::nullopt);
  EXPECT_EQ(Order(I(), 1), absl::nullopt);
  EXPECT_EQ(Order(Built(1) / 0, 1), absl::nullopt);
}

TEST(LadderTest, KnowsInfinityAlone) {
  const Built infinity(Op::kInfinity);
  EXPECT_EQUAL(infinity, Built(Op::kAdd, {infinity}));
  EXPECT_DIFFERENT(infinity, -infinity);
  EXPECT_DIFFERENT(infinity, 5);
}

double CpuMilliseconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
}

Built Tower(int height, const Built& top) {
  Built tower = top;
  for (int i = 0; i < height; ++i) tower = Pow(9, tower);
  return tower;
}

std::vector<Built> Bombs() {
  Built nested = x;
  for (int i = 0; i < 120; ++i) nested = Sqrt(nested + 1);
  Built exponentials = Built(1);
  for (int i = 0; i < 200; ++i) exponentials = Exp(exponentials);
  Built roots = Built(2);
  for (int i = 0; i < 80; ++i) roots = Sqrt(roots + i + 1);
  Built squares = Built(3);
  for (int i = 0; i < 60; ++i) squares = Pow(squares, 2) + 1;
  Built square_functions = x;
  for (int i = 0; i < 60; ++i) square_functions = Pow(Sin(square_functions) + 2, 9);
  const Built harmonic = Sum("k", 1, 9999, Built(1) / Var("k"));
  std::vector<Built> radicals;
  for (int i = 2; i < 30; ++i) radicals.push_back(Root(i, i));
  return {
      Tower(4, 9),
      Tower(100, 9),
      Pow(Tower(3, 9), -Tower(3, 9)),
      Pow(10, Pow(10, 10)),
      Pow(2, Pow(10, 11)),
      Factorial(Pow(10, 9)),
      Factorial(Factorial(Factorial(20))),
      Factorial(9999) / Factorial(9998),
      Binomial(Pow(10, 9), Built(5) * Pow(10, 8)),
      Sum("k", 1, Pow(10, 12), Built(1) / Var("k")),
      harmonic,
      Sum("j", 1, 9999, Sum("k", 1, 9999, Sin(Var("k") * Var("j")))),
      Pow(x + y + Var("z") + Var("w"), 10000),
      Pow(x + Sqrt(2), 100000),
      nested,
      exponentials,
      roots,
      squares,
      square_functions,
      Built(1) / 0,
      Pow(0, 0),
      Pow(0, -1),
      Ln(0),
      Fn(Op::kTan, Pi() / 2),
      Sin(Pow(10, Pow(10, 9))),
      Sin(Pow(10, 40)),
      Sin(Pow(2, 60000)),
      Exp(Pow(10, 40)),
      Fn(Op::kFactorial, Number("0.5") + Pow(10, 30)),
      Fn(Op::kFactorial, Sqrt(2) * 1000),
      Number(std::string(3999, '7')),
      Sqrt(Number(std::string(3999, '7'))),
      Number("0." + std::string(3990, '3')) * Pi(),
      Built(Op::kRepeating, "0.(" + std::string(2000, '7') + ")"),
      Built(Op::kAdd, radicals),
      Fn(Op::kFloor, Pow(Pi(), 3000)),
      Fn(Op::kArcsin, Number("1.5")),
      Built(Op::kMod, {Tower(4, 9), Number("1000000007")}),
      Built(Op::kMod, {Tower(4, 9), Number("2305843009213693951")}),
      Pow(Built(1) + Pow(10, -1000), Pow(10, 1000)),
      Built(Op::kGcd, {Pow(6, 3000), Pow(10, 3000)}),
      Root(5, Pow(10, 100)),
      Pow(I(), I()),
      Pow(x, Pow(x, Pow(x, x))),
  };
}

TEST(LadderTest, EndsSoonWhateverIsAsked) {
  const std::vector<Built> bombs = Bombs();
  CompareExpressions(Pi(), Sqrt(2));  // what is calculated once
  for (size_t i = 0; i < bombs.size(); ++i) {
    for (const Built& other : {Built(42), bombs[i] + 1, Built(3) * Sin(1) - 1, Sin(x) + Exp(y)}) {
      double shortest = 1e9;  // of three: other programs may disturb
      for (int run = 0; run < 3; ++run) {
        const double start = CpuMilliseconds();
        const LadderResult result = CompareExpressions(bombs[i], other);
        shortest = std::min(shortest, CpuMilliseconds() - start);
        EXPECT_NE(result.decision, Decision::kEqual) << "bomb " << i;
      }
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
      EXPECT_LT(shortest, 200) << "bomb " << i;
#else
      EXPECT_LT(shortest, 5) << "bomb " << i;
#endif
      CompareUpToFactor(bombs[i], other);
      CompareReal(bombs[i], other);
    }
  }
}

TEST(LadderTest, TellsTowersFromNumbers) {
  EXPECT_DIFFERENT(Tower(4, 9), 42);
  EXPECT_DIFFERENT(Tower(4, 9), Tower(4, 9) + 1);
  EXPECT_DIFFERENT(Pow(10, Pow(10, 10)), Pow(10, Pow(10, 10)) + 1);
  EXPECT_EQUAL(Pow(10, Pow(10, 10)), Pow(100, Built(5) * Pow(10, 9)));
}

TEST(LadderTest, RefusesMalformedTrees) {
  Expression cycle;
  cycle.nodes.push_back({Op::kNegate, "", {0}});
  Expression missing;
  missing.nodes.push_back({Op::kDivide, "", {}});
  Expression text;
  text.nodes.push_back({Op::kNumber, "12a", {}});
  for (const Expression& bad : {cycle, missing, Expression(), text}) {
    EXPECT_EQ(CompareExpressions(bad, Built(1)).decision, Decision::kUndecided);
    EXPECT_EQ(CompareUpToFactor(Built(1), bad).decision, Decision::kUndecided);
    EXPECT_EQ(CompareReal(bad, Built(1)), absl::nullopt);
  }
}

TEST(LadderTest, DecidesTheSameInTwoThreads) {
  const auto work = [] {
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQUAL(Sqrt(Built(3) + Built(2) * Sqrt(2)), Built(1) + Sqrt(2));
      EXPECT_EQUAL(Ln(8), Built(3) * Ln(2));
      EXPECT_DIFFERENT(Built(1) / Factorial(2004), Built(1) / Factorial(2006));
      EXPECT_DIFFERENT(Sin(x), Cos(x));
    }
  };
  std::thread other(work);
  work();
  other.join();
}

}  // namespace
}  // namespace grpo
