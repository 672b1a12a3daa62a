#include "reward/answer_equality.h"

#include "absl/strings/match.h"

#include "reward/number_text.h"

namespace grpo {
namespace {

bool ValuesEqual(const Rational& answer, const Rational& truth, double tolerance) {
  if (answer == truth) return true;
  if (tolerance <= 0) return false;
  return (answer - truth).Absolute() <= truth.Absolute() * Rational::FromDouble(tolerance);
}

Rational Hundredth(const WrittenNumber& number) {
  return number.percent ? number.value * Rational::PowerOfTen(-2) : number.value;
}

bool NumbersEqual(const WrittenNumber& answer, const WrittenNumber& truth, double tolerance) {
  if (!answer.unit.empty() && !truth.unit.empty() && answer.unit != truth.unit) return false;
  if (ValuesEqual(answer.value, truth.value, tolerance)) return true;
  return answer.percent != truth.percent &&
         ValuesEqual(Hundredth(answer), Hundredth(truth), tolerance);
}

}  // namespace

bool AnswersEqual(absl::string_view answer, absl::string_view truth, double tolerance) {
  const std::string answer_text = NormalizeAnswerText(answer);
  const std::string truth_text = NormalizeAnswerText(truth);
  const auto truth_number = ParseNumber(truth_text);
  if (truth_number.has_value()) {
    const auto answer_number = ParseNumber(answer_text);
    if (answer_number.has_value()) return NumbersEqual(*answer_number, *truth_number, tolerance);
  }
  return absl::EqualsIgnoreCase(answer_text, truth_text);
}

}  // namespace grpo
