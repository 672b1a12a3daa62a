// A precedence-climbing parser over the tokens of an answer.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

#include "reward/math/answer.h"
#include "reward/math/lexer.h"

namespace grpo {

// The whole of the tokens as one answer; nothing where they are no answer or exceed the bounds of
// parser.h. No backtracking: linear in the tokens.
absl::optional<Answer> ParseTokens(const std::vector<Token>& tokens);

// Serves one ParseTokens(). A method reads what its name says from the present token on and leaves
// the position behind it; after a failure all results are without meaning. Lists to powers are in
// expression_parser.cc, numbers, names, brackets and matrices in operand_parser.cc, functions in
// function_parser.cc.
class ExpressionParser {
 public:
  explicit ExpressionParser(const std::vector<Token>& tokens) : tokens_(tokens) {}
  absl::optional<Answer> Parse();

 private:
  // tokens
  const Token& Peek(size_t ahead = 0) const {
    return tokens_[std::min(position_ + ahead, tokens_.size() - 1)];
  }
  bool At(absl::string_view symbol, size_t ahead = 0) const {
    return Peek(ahead).type == TokenType::kSymbol && Peek(ahead).text == symbol;
  }
  bool AtFunction(absl::string_view name) const {
    return Peek().type == TokenType::kFunction && Peek().text == name;
  }
  bool Eat(absl::string_view symbol) {
    if (!At(symbol)) return false;
    ++position_;
    return true;
  }
  void Expect(absl::string_view symbol) {
    if (!Eat(symbol)) failed_ = true;
  }
  Answer Fail() {
    failed_ = true;
    return Answer();
  }

  // results
  Answer Scalar(Op op, std::vector<Answer> parts, std::string text = "");
  void CountNode();

  // lists: the items of an answer, separated by commas, semicolons, "and", "or"
  static bool SeparatesWeakly(const Token& token);
  static bool Separates(const Token& token);
  Answer List();
  // "1,2;3,4" is two pairs; without semicolons every item stands for itself.
  Answer Grouped(std::vector<std::vector<Answer>> groups, bool semicolons);
  Answer Item();

  // unions and differences of sets
  Answer SetExpression();
  Answer Ratio();

  // a value and its unit
  Answer Quantity();
  static std::vector<Answer> Parts(Answer a);
  static std::vector<Answer> Parts(Answer a, Answer b);
  std::string UnitText();

  // sums
  Answer Sum();
  void AddTerm(Answer term, bool negative, std::vector<Answer>* terms);

  // products
  Answer Product();
  // A number right behind a number or a name would be a misread one, never a product.
  static bool MayPrecedeNumber(const Answer& left);
  Answer Times(Answer left, Answer right);
  bool StartsFactor() const;
  // A factor with its signs: 2 * -3.
  Answer Factor();

  // powers and what stands behind a base
  Answer Power();
  Answer Raised(Answer base);
  // One factor with a sign; 2^3^2 is 2^(3^2).
  Answer Exponent();

  // primaries
  Answer Primary();
  Answer Words();
  Answer Number();
  // 0.\overline{3}, 0.1\dot{6}, 0.(3).
  absl::optional<Answer> Repeating(const std::string& digits);
  static bool IsDigitText(absl::string_view text);
  // 1010_2, 204_{five}; digits above 9 are not read.
  Answer Based(const std::string& digits);
  // 3\frac{1}{2} and "3 1/2": an integer before a proper fraction of integers.
  Answer Mixed(Answer whole);
  // Whether a \frac of two integers, the first one smaller, comes next. Looks at tokens only, so
  // that nothing is parsed twice.
  bool ProperFractionAhead() const;
  static bool IsProper(const Answer& fraction);
  Answer Variable();
  // _1, _{12}, _{n-1} as text.
  std::string Subscript();
  // f(x) is a call, x(x+1) a product; a capital letter is called with a name or a number.
  bool IsCall(const std::string& name) const;

  // functions
  Answer Function();
  // \overline{AB}: a segment's length, a name.
  Answer Segment();
  // \frac12, \frac1{72}, \frac{a}{b}: each part is a digit, a letter or a group.
  Answer TwoParts(Op op);
  Answer OnePart();
  Answer Root();
  // \ln x, \log_{2} 8; a logarithm without a base is decimal in LaTeX and natural in the
  // text of an algebra system, log(x).
  Answer Log(const std::string& name);
  // The base of a logarithm: a number, a letter or a group.
  Answer Subordinate();
  Answer Applied(Op op);
  Answer Called(Op op);
  // What a function without brackets applies to: \sin 2x\cos y is (sin 2x)(cos y).
  Answer Argument();
  bool ContinuesArgument() const;
  // \sum_{k=1}^{n} a_k, with the term as far as the product goes.
  Answer Series(Op op);
  static void NameConstant(const std::string& name, Answer* answer);

  // brackets
  Answer Bracketed();
  Answer Enclosed(Op op, absl::string_view close);
  // The items up to the closing bracket, which is eaten.
  std::vector<Answer> Items(absl::string_view close);
  // (a), (a, b), [a, b), [a].
  Answer Round(bool left_closed);
  // {a} groups, {a, b} lists, {a \over b} divides.
  Answer Braces();
  Answer SetBraces();
  Answer Angles();

  // matrices
  Answer Environment(const std::string& name);
  bool AtEndOfEnvironment() const {
    return Peek().type == TokenType::kFunction && absl::StartsWith(Peek().text, "end ");
  }

  const std::vector<Token>& tokens_;
  size_t position_ = 0;
  int depth_ = 0, nodes_ = 0;
  int absolutes_ = 0;    // open | bars
  bool in_set_ = false;  // directly inside \{ \}, where a bar or colon ends the element
  bool failed_ = false;
};

}  // namespace grpo
