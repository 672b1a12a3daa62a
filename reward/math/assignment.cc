#include "reward/math/assignment.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace grpo {
namespace {

bool NamesOnly(const Answer& answer) {
  switch (answer.form) {
    case AnswerForm::kText:
      return true;
    case AnswerForm::kTuple:
    case AnswerForm::kRatio:
      return std::all_of(answer.parts.begin(), answer.parts.end(), NamesOnly);
    case AnswerForm::kScalar:
      break;
    default:
      return false;
  }
  switch (answer.op) {
    case Op::kVariable:
    case Op::kCall:
    case Op::kE:
    case Op::kI:
      return true;
    case Op::kMultiply:
    case Op::kDivide:
    case Op::kAbs:
    case Op::kSin:
    case Op::kCos:
    case Op::kTan:
      return std::all_of(answer.parts.begin(), answer.parts.end(), NamesOnly);
    default:
      return false;
  }
}

bool HasWords(const Answer& answer) {
  bool found = false;
  VisitParts(answer, [&](const Answer& part) { found = found || part.form == AnswerForm::kText; });
  return found;
}

// Members up to the first "approximately", where an exact one stands before it.
Answer ExactPart(const Answer& chain) {
  size_t end = 1;
  while (end < chain.parts.size() && chain.relations[end - 1] == Relation::kEqual) ++end;
  if (end == 1 && chain.parts.size() >= 2 && chain.relations[0] == Relation::kApproximately &&
      IsName(chain.parts[0])) {
    end = 2;
  }
  Answer exact = MakeForm(AnswerForm::kRelation, {});
  exact.parts.assign(chain.parts.begin(), chain.parts.begin() + end);
  exact.relations.assign(end - 1, Relation::kEqual);
  return exact;
}

bool IsEquality(const Answer& answer) {
  return answer.form == AnswerForm::kRelation &&
         std::all_of(answer.relations.begin(), answer.relations.end(), [](Relation relation) {
           return relation == Relation::kEqual || relation == Relation::kApproximately;
         });
}

std::string Stem(const std::string& name) { return name.substr(0, name.find('_')); }

// The length of the pattern of names that repeats; 0 where there is none.
size_t Period(const std::vector<std::string>& names) {
  for (size_t period = 2; period * 2 <= names.size(); ++period) {
    if (names.size() % period != 0) continue;
    bool repeats = true;
    for (size_t i = period; i < names.size(); ++i)
      repeats = repeats && names[i] == names[i - period];
    if (repeats) return period;
  }
  return 0;
}

}  // namespace

bool IsName(const Answer& answer) {
  return NamesOnly(answer) &&
         (HasVariables(answer) || HasWords(answer) ||
          (answer.form == AnswerForm::kScalar && (answer.op == Op::kE || answer.op == Op::kI)));
}

absl::optional<Assignment> AssignmentOf(const Answer& answer) {
  if (answer.form == AnswerForm::kRelation && answer.relations.size() == 1 &&
      answer.relations[0] == Relation::kElementOf) {
    return Assignment{answer.parts[0], answer.parts[1]};
  }
  if (!IsEquality(answer)) return absl::nullopt;
  const Answer exact = ExactPart(answer);
  if (exact.parts.size() < 2) return absl::nullopt;
  for (size_t i = 0; i + 1 < exact.parts.size(); ++i) {
    if (IsName(exact.parts[i])) return Assignment{exact.parts[i], exact.parts.back()};
  }
  if (exact.parts.size() == 2 && IsName(exact.parts[1]) && !HasVariables(exact.parts[0])) {
    return Assignment{exact.parts[1], exact.parts[0]};
  }
  return absl::nullopt;
}

absl::optional<Answer> ComputedValue(const Answer& answer) {
  if (!IsEquality(answer)) return absl::nullopt;
  const Answer exact = ExactPart(answer);
  if (exact.parts.size() == 1) return exact.parts[0];
  const Answer& first = exact.parts.front();
  if (exact.parts.size() == 2 && (HasVariables(first) || HasVariables(exact.parts.back()))) {
    return absl::nullopt;
  }
  if (CanonicalText(first) == CanonicalText(exact.parts.back())) return absl::nullopt;
  return exact.parts.back();
}

std::string CanonicalText(const Answer& answer) {
  std::vector<std::string> parts;
  for (const Answer& part : answer.parts) parts.push_back(CanonicalText(part));
  const bool commutes =
      answer.form == AnswerForm::kScalar && (answer.op == Op::kAdd || answer.op == Op::kMultiply);
  if (commutes) std::sort(parts.begin(), parts.end());
  std::string text = absl::StrCat(
      "(", static_cast<int>(answer.form), " ", static_cast<int>(answer.op), " ", answer.columns,
      answer.left_closed ? "[" : "(", answer.right_closed ? "]" : ")", answer.text);
  for (const std::string& part : parts) absl::StrAppend(&text, " ", part);
  for (const Relation relation : answer.relations) {
    absl::StrAppend(&text, " ", static_cast<int>(relation));
  }
  return absl::StrCat(text, ")");
}

NamedValues WithoutNames(const std::vector<Answer>& items) {
  NamedValues result;
  std::vector<std::string> names;
  std::vector<std::string> stems;
  for (const Answer& item : items) {
    absl::optional<Assignment> assignment = AssignmentOf(item);
    if (assignment.has_value()) {
      names.push_back(CanonicalText(assignment->name));
      stems.push_back(Stem(assignment->name.text));
      result.values.push_back(std::move(assignment->value));
    } else {
      // A value behind a named one has its name: a = 4, -8, -10.
      if (!names.empty()) {
        names.push_back(names.back());
        stems.push_back(stems.back());
      }
      result.values.push_back(item);
    }
  }
  if (names.size() != items.size()) return result;
  std::vector<std::string> sorted = names;
  std::sort(sorted.begin(), sorted.end());
  const bool distinct = std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
  if (distinct && names.size() > 1) {
    result.names = std::move(names);
    result.ordered = std::any_of(stems.begin(), stems.end(), [&](const std::string& stem) {
      return stem != stems.front() || stem.empty();
    });
    return result;
  }
  const size_t period = Period(names);
  if (period > 0 &&
      std::adjacent_find(names.begin(), names.begin() + period) == names.begin() + period) {
    std::vector<Answer> tuples;
    for (size_t i = 0; i < result.values.size(); i += period) {
      std::vector<Answer> tuple(result.values.begin() + i, result.values.begin() + i + period);
      tuples.push_back(MakeForm(AnswerForm::kTuple, std::move(tuple)));
    }
    result.values = std::move(tuples);
  }
  return result;
}

}  // namespace grpo
