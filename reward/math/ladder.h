// Decides whether two scalar expressions mean the same, by one method after the other, each with a
// bounded amount of work:
//
//   1. the same tree;
//   2. exact fractions;
//   3. values modulo primes of 61 bits: a difference of rational functions is certain, and equality
//      is, but for chances below 2^-100;
//   4. balls (complex numbers with certain errors) of 64 to 4096 bits, for constants: disjoint
//      ones prove a difference, and an agreement to 3000 bits of small expressions is taken for
//      equality; what is left, Calcium may prove;
//   5. balls at fixed points, for functions of variables.
//
// Conventions. Variables are real. Two functions are equal if they are wherever both are
// defined and real (wherever both are defined, if the imaginary unit stands in one of them): so
// ln(x^2) equals 2 ln x and sqrt(x)^2 equals x, but sqrt(x^2) does not equal x. Where an odd root
// of a negative number occurs in constants, they are equal if they are for the real root or
// for the principal one; in functions the real root is meant. 0.333 is not 1/3. An expression with
// plus-minus stands for the set of its values, each sign chosen for itself.
#pragma once

#include <cstdint>

#include "absl/types/optional.h"

#include "reward/math/expression.h"

namespace grpo {

enum class Decision : uint8_t { kEqual, kNotEqual, kUndecided };

struct LadderResult {
  Decision decision = Decision::kUndecided;
  const char* reason = "";  // a static string, for people
};

// Symmetric and the same on every machine; at most about 2 ms.
LadderResult CompareExpressions(const Expression& a, const Expression& b);

// Whether a = k b for a constant k that is not 0, as the equations a = 0 and b = 0 ask.
LadderResult CompareUpToFactor(const Expression& a, const Expression& b);

// -1, 0 or 1 as a is below, at or above b, for two real constants (infinity is one); nothing where
// one has no certain real value.
absl::optional<int> CompareReal(const Expression& a, const Expression& b);

}  // namespace grpo
