// A final answer as a tree: what kind of mathematical object a text stands for.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "reward/math/expression.h"

namespace grpo {

enum class AnswerForm : uint8_t {
  kScalar,    // `op` over `parts`, as in Expression; `text` for kNumber, kVariable, kCall, …
  kTuple,     // (a, b), [a, b), ⟨a, b⟩: parts in order, an interval where the other side is one
  kList,      // a, b, c without brackets; also [a, b, c]
  kSet,       // \{a, b\}; no parts: the empty set
  kUnion,     // of parts, which are tuples (intervals) or sets
  kReals,     // all real numbers
  kRelation,  // parts[0] relations[0] parts[1] relations[1] …
  kMatrix,    // parts row by row, `columns` of them in a row
  kQuantity,  // parts[0] in the unit `text`, which is spelt as CanonicalUnit spells it
  kBased,     // the digits `text` in the base `columns`
  kRatio,     // a : b : c; also a time of day, which the digits tell
  kChoice,    // option `text`, one capital letter, perhaps with what it says as parts[0]
  kText,      // words, in lower case with single spaces
};

enum class Relation : uint8_t {
  kEqual,
  kApproximately,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kNotEqual,
  kElementOf,
};

struct Answer {
  AnswerForm form = AnswerForm::kScalar;
  Op op = Op::kNumber;
  bool left_closed = false, right_closed = false;  // of a kTuple's brackets
  bool angled = false;                             // a kTuple in ⟨ ⟩, never an interval
  int columns = 0;
  std::string text;
  std::vector<Answer> parts;
  std::vector<Relation> relations;
};

inline Answer MakeScalar(Op op, std::vector<Answer> parts, std::string text = "") {
  Answer answer;
  answer.op = op;
  answer.parts = std::move(parts);
  answer.text = std::move(text);
  return answer;
}

inline Answer MakeNumber(std::string digits) {
  return MakeScalar(Op::kNumber, {}, std::move(digits));
}

inline Answer MakeForm(AnswerForm form, std::vector<Answer> parts, std::string text = "") {
  Answer answer;
  answer.form = form;
  answer.parts = std::move(parts);
  answer.text = std::move(text);
  return answer;
}

// Whether the answer and all parts of it are scalar, so that ToExpression() may be called.
bool IsScalar(const Answer& answer);

// The tree of a scalar as an Expression.
Expression ToExpression(const Answer& answer);

// Calls visit(part) for the answer and everything inside it, outer ones first.
template <typename Visit>
void VisitParts(const Answer& answer, const Visit& visit) {
  visit(answer);
  for (const Answer& part : answer.parts) VisitParts(part, visit);
}

// Whether some variable or unknown function occurs.
bool HasVariables(const Answer& answer);

}  // namespace grpo
