// When two final answers say the same.
#pragma once

#include <string>

#include "data/config_fields.h"
#include "reward/math/parser.h"

namespace grpo {

enum class MathVerdict : uint8_t {
  kEqual,
  kNotEqual,
  kUndecided,       // within the bounds of the comparison neither was proved
  kUnparsedTruth,   // the ground truth could not be read
  kUnparsedAnswer,  // the answer could not be read
};

// What may differ between a truth and an answer that count as equal.
struct MathPolicy {
  // "exact": equal as numbers, but for decimals of at least 15 significant digits, which a program
  // prints for a number that has no finite decimal form. "truth_digits": any number that rounds to
  // a truth with a decimal point. "relative": within `tolerance` times the truth.
  std::string precision = "exact";
  double tolerance = 0;
  bool degrees = true;                  // 45° also equals pi / 4, and 45
  bool percent = true;                  // 50% also equals 1/2; it always equals 50
  bool units = true;                    // 10 cm is not 10 m; an answer without a unit may have any
  bool ordered_lists = false;           // "1, 2" is not "2, 1"
  bool inequality_for_interval = true;  // an answer 1 < x < 2 to the truth (1, 2)
  bool variable_names = true;           // f(x) is not f(y)

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("precision", precision, OneOf{{"exact", "truth_digits", "relative"}},
          "which numbers count as equal: exact, truth_digits or relative");
    visit("tolerance", tolerance, Range(0, 0.1), "largest difference relative to the truth");
    visit("degrees", degrees, NoConstraint(), "whether degrees equal the same angle in radians");
    visit("percent", percent, NoConstraint(), "whether 50% equals 1/2");
    visit("units", units, NoConstraint(), "whether two different units are a difference");
    visit("ordered_lists", ordered_lists, NoConstraint(), "whether the order of a list counts");
    visit("inequality_for_interval", inequality_for_interval, NoConstraint(),
          "whether an inequality answers a question for an interval");
    visit("variable_names", variable_names, NoConstraint(),
          "whether x + 1 and y + 1 differ; else variables are matched in the order they come in");
  }
};

struct MathComparison {
  MathVerdict verdict = MathVerdict::kNotEqual;
  const char* reason = "";  // why, in a few words
};

// Symmetric but for precision "truth_digits" and "relative" and inequality_for_interval = false.
// Bounded work, no clocks: the same on every machine.
MathComparison CompareAnswers(const ParsedAnswer& truth, const ParsedAnswer& answer,
                              const MathPolicy& policy);

}  // namespace grpo
