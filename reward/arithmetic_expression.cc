#include "reward/arithmetic_expression.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

#include "data/status_macros.h"

namespace grpo {
namespace {

constexpr int kMaxDepth = 64;
constexpr size_t kMaxDigits = 18;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Recursive descent: sum = product {(+|-) product}, product = factor {(*|/) factor},
// factor = number | ( sum ).
class Parser {
 public:
  Parser(absl::string_view text, size_t max_numbers)
      : text_(text), rest_(text), max_numbers_(max_numbers) {}

  absl::StatusOr<EvaluatedExpression> Evaluate() {
    ASSIGN_OR_RETURN(Rational value, Sum(0));
    if (Peek() != 0) return Unexpected("an operator or the end");
    return EvaluatedExpression{std::move(value), std::move(numbers_)};
  }

 private:
  // The next character that is no white space; 0 at the end.
  char Peek() {
    rest_ = absl::StripLeadingAsciiWhitespace(rest_);
    return rest_.empty() ? 0 : rest_[0];
  }

  absl::Status Unexpected(absl::string_view expected) {
    const size_t at = text_.size() - rest_.size();
    return absl::InvalidArgumentError(
        absl::StrCat("expected ", expected, " at byte ", at, ", found ",
                     rest_.empty() ? "the end" : absl::StrCat("\"", rest_.substr(0, 8), "\"")));
  }

  absl::StatusOr<Rational> Sum(int depth) {
    ASSIGN_OR_RETURN(Rational value, Product(depth));
    for (char sign = Peek(); sign == '+' || sign == '-'; sign = Peek()) {
      rest_.remove_prefix(1);
      ASSIGN_OR_RETURN(Rational operand, Product(depth));
      value = sign == '+' ? value + operand : value - operand;
    }
    return value;
  }

  absl::StatusOr<Rational> Product(int depth) {
    ASSIGN_OR_RETURN(Rational value, Factor(depth));
    for (char sign = Peek(); sign == '*' || sign == '/'; sign = Peek()) {
      rest_.remove_prefix(1);
      ASSIGN_OR_RETURN(Rational operand, Factor(depth));
      if (sign == '/' && operand.IsZero()) {
        return absl::InvalidArgumentError("division by zero");
      }
      value = sign == '*' ? value * operand : value / operand;
    }
    return value;
  }

  absl::StatusOr<Rational> Factor(int depth) {
    if (Peek() != '(') return Number();
    if (depth == kMaxDepth) {
      return absl::InvalidArgumentError(
          absl::StrCat("more than ", kMaxDepth, " parentheses within one another"));
    }
    rest_.remove_prefix(1);
    ASSIGN_OR_RETURN(Rational value, Sum(depth + 1));
    if (Peek() != ')') return Unexpected("a closing parenthesis");
    rest_.remove_prefix(1);
    return value;
  }

  absl::StatusOr<Rational> Number() {
    size_t digits = 0;
    while (digits < rest_.size() && digits <= kMaxDigits && IsDigit(rest_[digits])) ++digits;
    int64_t number = 0;
    if (digits > kMaxDigits || !absl::SimpleAtoi(rest_.substr(0, digits), &number)) {
      return Unexpected(
          absl::StrCat("a number of at most ", kMaxDigits, " digits or a parenthesis"));
    }
    if (numbers_.size() == max_numbers_) {
      return absl::InvalidArgumentError(absl::StrCat("more than ", max_numbers_, " numbers"));
    }
    rest_.remove_prefix(digits);
    numbers_.push_back(number);
    return Rational(number);
  }

  const absl::string_view text_;
  absl::string_view rest_;
  const size_t max_numbers_;
  std::vector<int64_t> numbers_;
};

}  // namespace

absl::StatusOr<EvaluatedExpression> EvaluateExpression(absl::string_view text, size_t max_numbers) {
  const std::string plain = absl::StrReplaceAll(
      text, {{"×", "*"}, {"·", "*"}, {"÷", "/"}, {"\u2212", "-"}, {"\u00A0", " "}});
  return Parser(plain, max_numbers).Evaluate();
}

}  // namespace grpo
