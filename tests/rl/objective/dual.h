// Automatic differentiation in forward mode and double precision: a number and its derivatives by
// all inputs. A second opinion on LibTorch's autograd, and on the formulas that are written with
// it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace grpo {

struct Dual {
  double value = 0;
  std::vector<double> slopes;  // by each input; empty: a constant

  Dual() = default;
  Dual(double constant) : value(constant) {}  // NOLINT: formulas mix both
  static Dual Input(double value, size_t index, size_t inputs) {
    Dual input(value);
    input.slopes.assign(inputs, 0);
    input.slopes[index] = 1;
    return input;
  }
};

inline double ValueOf(double number) { return number; }
inline double ValueOf(const Dual& number) { return number.value; }

// a times the slopes of x plus b times those of y.
inline Dual Combine(double value, double a, const Dual& x, double b, const Dual& y) {
  Dual result(value);
  result.slopes.assign(std::max(x.slopes.size(), y.slopes.size()), 0);
  for (size_t i = 0; i < x.slopes.size(); ++i) result.slopes[i] += a * x.slopes[i];
  for (size_t i = 0; i < y.slopes.size(); ++i) result.slopes[i] += b * y.slopes[i];
  return result;
}

inline Dual operator+(const Dual& x, const Dual& y) {
  return Combine(x.value + y.value, 1, x, 1, y);
}
inline Dual operator-(const Dual& x, const Dual& y) {
  return Combine(x.value - y.value, 1, x, -1, y);
}
inline Dual operator*(const Dual& x, const Dual& y) {
  return Combine(x.value * y.value, y.value, x, x.value, y);
}
inline Dual operator/(const Dual& x, const Dual& y) {
  return Combine(x.value / y.value, 1 / y.value, x, -x.value / (y.value * y.value), y);
}
inline Dual operator-(const Dual& x) { return Dual(0) - x; }
inline double exp(double x) { return std::exp(x); }
inline Dual exp(const Dual& x) {
  return Combine(std::exp(x.value), std::exp(x.value), x, 0, Dual());
}

}  // namespace grpo
