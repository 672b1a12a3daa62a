// Expressions written as C++: Sqrt(2) + Number("0.5") * Var("x").
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "reward/math/expression.h"

namespace grpo::testing {

class Built {
 public:
  Built(int64_t value)  // NOLINT: implicit, so that numbers read as such
      : Built(Op::kNumber, std::to_string(value < 0 ? -value : value)) {
    if (value < 0) *this = Built(Op::kNegate, {*this});
  }
  Built(Op op, std::string text) { expression_.nodes.push_back({op, std::move(text), {}}); }
  explicit Built(Op op) : Built(op, std::string()) {}
  Built(Op op, const std::vector<Built>& arguments, std::string text = "") {
    std::vector<int32_t> roots;
    for (const Built& argument : arguments) {
      const auto offset = static_cast<int32_t>(expression_.nodes.size());
      for (Expression::Node node : argument.expression_.nodes) {
        for (int32_t& index : node.arguments) index += offset;
        expression_.nodes.push_back(std::move(node));
      }
      roots.push_back(static_cast<int32_t>(expression_.nodes.size()) - 1);
    }
    expression_.nodes.push_back({op, std::move(text), std::move(roots)});
  }

  operator const Expression&() const { return expression_; }  // NOLINT: implicit on purpose

 private:
  Expression expression_;
};

inline Built Number(std::string text) { return Built(Op::kNumber, std::move(text)); }
inline Built Var(std::string name) { return Built(Op::kVariable, std::move(name)); }
inline Built Pi() { return Built(Op::kPi); }
inline Built E() { return Built(Op::kE); }
inline Built I() { return Built(Op::kI); }
inline Built operator+(const Built& a, const Built& b) { return Built(Op::kAdd, {a, b}); }
inline Built operator-(const Built& a) { return Built(Op::kNegate, {a}); }
inline Built operator-(const Built& a, const Built& b) { return a + -b; }
inline Built operator*(const Built& a, const Built& b) { return Built(Op::kMultiply, {a, b}); }
inline Built operator/(const Built& a, const Built& b) { return Built(Op::kDivide, {a, b}); }
inline Built Pow(const Built& a, const Built& b) { return Built(Op::kPower, {a, b}); }
inline Built Root(const Built& a, const Built& n) { return Built(Op::kRoot, {a, n}); }
inline Built Sqrt(const Built& a) { return Root(a, 2); }
inline Built Fn(Op op, const Built& a) { return Built(op, {a}); }
inline Built Sin(const Built& a) { return Fn(Op::kSin, a); }
inline Built Cos(const Built& a) { return Fn(Op::kCos, a); }
inline Built Tan(const Built& a) { return Fn(Op::kTan, a); }
inline Built Ln(const Built& a) { return Built(Op::kLog, {a, E()}); }
inline Built Log(const Built& a, const Built& base) { return Built(Op::kLog, {a, base}); }
inline Built Exp(const Built& a) { return Fn(Op::kExp, a); }
inline Built Factorial(const Built& a) { return Fn(Op::kFactorial, a); }
inline Built Degrees(const Built& a) { return Fn(Op::kDegrees, a); }
inline Built Binomial(const Built& n, const Built& k) { return Built(Op::kBinomial, {n, k}); }
inline Built PlusMinus(const Built& a) { return Fn(Op::kPlusMinus, a); }
inline Built Sum(const char* index, const Built& from, const Built& to, const Built& body) {
  return Built(Op::kSum, {Var(index), from, to, body});
}

}  // namespace grpo::testing
