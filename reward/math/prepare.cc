#include "reward/math/prepare.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace grpo {
namespace {

constexpr int kMaxSigns = 3;  // independent plus-minus signs of an item

bool IsScalarOp(const Answer& answer, Op op) {
  return answer.form == AnswerForm::kScalar && answer.op == op;
}

// ---- plus-minus signs

int CountSigns(const Answer& answer, bool* joint) {
  int count = 0;
  VisitParts(answer, [&](const Answer& part) {
    if (!IsScalarOp(part, Op::kPlusMinus)) return;
    ++count;
    *joint = *joint || part.text == "mp";
  });
  return count;
}

void ChooseSigns(int signs, bool joint, int* next, Answer* answer) {
  if (IsScalarOp(*answer, Op::kPlusMinus)) {
    const int bit = joint ? 0 : (*next)++;
    const bool negative = ((signs >> bit) & 1) != (answer->text == "mp" ? 1 : 0);
    Answer inside = std::move(answer->parts[0]);
    ChooseSigns(signs, joint, next, &inside);
    *answer = negative ? MakeScalar(Op::kNegate, {std::move(inside)}) : std::move(inside);
    return;
  }
  for (Answer& part : answer->parts) ChooseSigns(signs, joint, next, &part);
}

void ExpandInto(const Answer& item, std::vector<Answer>* items) {
  bool joint = false;
  const int count = CountSigns(item, &joint);
  const int free = joint ? std::min(count, 1) : count;
  if (free == 0 || free > kMaxSigns) {
    items->push_back(item);
    return;
  }
  for (int signs = 0; signs < (1 << free); ++signs) {
    Answer chosen = item;
    int next = 0;
    ChooseSigns(signs, joint, &next, &chosen);
    items->push_back(std::move(chosen));
  }
}

void ExpandSigns(Answer* answer) {
  bool joint = false;
  if (CountSigns(*answer, &joint) == 0) return;
  std::vector<Answer> items;
  if (answer->form == AnswerForm::kList || answer->form == AnswerForm::kSet) {
    for (const Answer& part : answer->parts) ExpandInto(part, &items);
    answer->parts = std::move(items);
    return;
  }
  ExpandInto(*answer, &items);
  if (items.size() > 1) *answer = MakeForm(AnswerForm::kList, std::move(items));
}

// ---- unit vectors

// The index of the unit vector in a term and the term without it.
int TakeUnitVector(Answer* term) {
  if (IsScalarOp(*term, Op::kNegate)) return TakeUnitVector(&term->parts[0]);
  if (IsScalarOp(*term, Op::kMultiply)) {
    for (Answer& part : term->parts) {
      const int index = TakeUnitVector(&part);
      if (index >= 0) return index;
    }
    return -1;
  }
  if (!IsScalarOp(*term, Op::kVariable) || !absl::StartsWith(term->text, "vec ")) return -1;
  const char letter = term->text[4];
  if (letter < 'i' || letter > 'k') return -1;
  *term = MakeNumber("1");
  return letter - 'i';
}

void VectorsToTuple(Answer* answer) {
  if (answer->form != AnswerForm::kScalar) return;
  bool has_vector = false;
  VisitParts(*answer, [&](const Answer& part) {
    has_vector = has_vector || absl::StartsWith(part.text, "vec ");
  });
  if (!has_vector) return;
  std::vector<Answer> terms = answer->op == Op::kAdd ? answer->parts : std::vector<Answer>{*answer};
  Answer tuple = MakeForm(AnswerForm::kTuple, {});
  tuple.angled = true;
  for (Answer& term : terms) {
    const int index = TakeUnitVector(&term);
    if (index < 0) return;
    while (static_cast<int>(tuple.parts.size()) <= std::max(index, 1)) {
      tuple.parts.push_back(MakeNumber("0"));
    }
    tuple.parts[index] = MakeScalar(Op::kAdd, {tuple.parts[index], std::move(term)});
  }
  *answer = std::move(tuple);
}

// ---- e and i

void Names(const Answer& answer, std::set<std::string>* names) {
  VisitParts(answer, [&](const Answer& part) {
    if (IsScalarOp(part, Op::kVariable)) names->insert(part.text);
  });
}

void MakeVariable(Op op, const char* name, Answer* answer) {
  if (IsScalarOp(*answer, op)) {
    answer->op = Op::kVariable;
    answer->text = name;
  }
  for (Answer& part : answer->parts) MakeVariable(op, name, &part);
}

bool Has(const Answer& answer, Op op) {
  bool found = false;
  VisitParts(answer, [&](const Answer& part) { found = found || IsScalarOp(part, op); });
  return found;
}

// x^2 + C and x^2 + K: the name of a constant of integration is free.
const char* const kConstantNames[] = {"C", "K", "c", "k"};

std::string IntegrationConstant(const Answer& answer) {
  if (!IsScalarOp(answer, Op::kAdd)) return "";
  std::set<std::string> names;
  Names(answer, &names);
  if (names.size() < 2) return "";
  for (const Answer& term : answer.parts) {
    for (const char* const name : kConstantNames) {
      if (IsScalarOp(term, Op::kVariable) && term.text == name) return name;
    }
  }
  return "";
}

void RenameConstant(const std::string& name, Answer* answer) {
  for (Answer& term : answer->parts) {
    if (IsScalarOp(term, Op::kVariable) && term.text == name) term.text = "C";
  }
}

void UniteIntegrationConstants(Answer* a, Answer* b) {
  const std::string first = IntegrationConstant(*a), second = IntegrationConstant(*b);
  if (first.empty() || second.empty() || first == second) return;
  std::set<std::string> names_a, names_b;
  Names(*a, &names_a);
  Names(*b, &names_b);
  names_a.erase(first);
  names_b.erase(second);
  if (names_a != names_b || names_a.count("C") != 0) return;
  RenameConstant(first, a);
  RenameConstant(second, b);
}

}  // namespace

std::string WordKey(absl::string_view words) {
  std::string key;
  for (const char c : words) {
    if (absl::ascii_isalnum(c) || static_cast<unsigned char>(c) >= 0x80) {
      key += absl::ascii_tolower(c);
    }
  }
  for (const absl::string_view same : {"dne", "doesnotexist", "notdefined"}) {
    if (key == same) return "undefined";
  }
  if (key == "nosolutions" || key == "none") return "nosolution";
  return key;
}

bool NeedsPreparation(const Answer& a, const Answer& b) {
  for (const Answer* answer : {&a, &b}) {
    bool needed = false;
    VisitParts(*answer, [&](const Answer& part) {
      if (part.form != AnswerForm::kScalar) return;
      needed = needed || part.op == Op::kPlusMinus || part.op == Op::kE || part.op == Op::kI ||
               part.op == Op::kVariable;
    });
    if (needed) return true;
  }
  return false;
}

void PrepareTogether(Answer* a, Answer* b) {
  ExpandSigns(a);
  ExpandSigns(b);
  VectorsToTuple(a);
  VectorsToTuple(b);
  UniteIntegrationConstants(a, b);
  if (!Has(*a, Op::kE) && !Has(*b, Op::kE) && !Has(*a, Op::kI) && !Has(*b, Op::kI)) return;
  std::set<std::string> names;
  Names(*a, &names);
  Names(*b, &names);
  const bool e_is_letter =
      names.count("d") != 0 && (names.count("c") != 0 || names.count("f") != 0);
  const bool i_is_letter = names.count("j") != 0;
  for (Answer* answer : {a, b}) {
    if (e_is_letter) MakeVariable(Op::kE, "e", answer);
    if (i_is_letter) MakeVariable(Op::kI, "i", answer);
  }
}

}  // namespace grpo
