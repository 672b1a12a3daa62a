// Answers that name what they are the value of: x = 5, f(x) = x^2, x = 1 and y = 2.
#pragma once

#include <string>
#include <vector>

#include "absl/types/optional.h"

#include "reward/math/answer.h"

namespace grpo {

struct Assignment {
  Answer name;
  Answer value;
};

// Whether an expression only names something: x, x_1, AB, f(2), |AB|, (p, q), V_1 : V_2, words. A
// sum or power is an expression of its own.
bool IsName(const Answer& answer);

// The name and the value of "x = 5", "5 = x", "x = 2 + 3 = 5", "x \approx 5"; nothing where the
// relation is an equation in its own right (2x + y = 3) or an inequality.
absl::optional<Assignment> AssignmentOf(const Answer& answer);

// What a relation without variables on its left side says: the last member of 2 + 3 = 5, the first
// of 1/3 \approx 0.33; nothing for a tautology, 5 = 5.
absl::optional<Answer> ComputedValue(const Answer& answer);

// A text that is equal for equal trees.
std::string CanonicalText(const Answer& answer);

// The items of a list without their names: values of the same name are a list, names that come
// again and again make tuples (p = 5, q = 2, p = 7, q = 2).
struct NamedValues {
  std::vector<Answer> values;
  std::vector<std::string> names;  // one for each value where all are named and differ, else empty
  bool ordered = false;            // by different names, which are no x_1, x_2, x_3
};
NamedValues WithoutNames(const std::vector<Answer>& items);

}  // namespace grpo
