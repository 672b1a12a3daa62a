// How a configuration struct lists its fields: once. The same list drives parsing, the refusal of
// unknown keys, range checks, --set, the resolved recipe and its documentation.
//
//   struct OptimizerConfig {
//     double learning_rate = 1e-3;
//     template <typename Visitor> void VisitFields(Visitor& visit) {
//       visit("learning_rate", learning_rate, Range(0, 1), "peak learning rate");
//     }
//   };
//
// A visitor is called with (key, field, constraint, documentation). Field types: bool, int,
// int64_t, double, std::string, std::vector<std::string>, std::vector<double>, a nested struct with
// VisitFields, and std::vector of such structs (TOML's array of tables). A nested struct is visited
// with NoConstraint().
#pragma once

#include <limits>
#include <string>
#include <vector>

namespace grpo {

struct NoConstraint {};

// Numbers from low to high, both included unless said otherwise.
struct Range {
  Range(double low, double high) : low(low), high(high) {}
  double low;
  double high;
};

struct AtLeast : Range {
  explicit AtLeast(double low) : Range(low, std::numeric_limits<double>::infinity()) {}
};

// Strings (or each string of a list) out of a fixed set. A value that ends in ':' stands for every
// text that begins with it and goes on: "plugin:" for "plugin:./mine.so".
struct OneOf {
  std::vector<std::string> values;
};

// Strings that must not be empty.
struct NotEmpty {};

}  // namespace grpo
