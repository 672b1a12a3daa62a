#include "reward/math/equivalence.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "reward/math/assignment.h"
#include "reward/math/interval.h"
#include "reward/math/prepare.h"
#include "reward/math/scalar_comparison.h"
#include "reward/math/small_fraction.h"

namespace grpo {
namespace {

constexpr size_t kMaxPairs = 250000;    // of items of two lists of plain numbers
constexpr size_t kMaxItemPairs = 1000;  // of other items that are written differently

bool IsTimeOfDay(const Answer& ratio) {
  if (ratio.parts.size() < 2 || ratio.parts.size() > 3) return false;
  for (const Answer& part : ratio.parts) {
    const Answer& number = part.form == AnswerForm::kQuantity ? part.parts[0] : part;
    if (!IsOp(number, Op::kNumber) || number.text.size() > 2) return false;
    if (&part == &ratio.parts[0]) continue;
    if (number.text.size() != 2 || number.text[0] > '5') return false;
  }
  return true;
}

class Comparer {
 public:
  explicit Comparer(const MathPolicy& policy) : policy_(policy), scalars_(policy) {}

  MathComparison Compare(const Answer& a, const Answer& b) {
    if (++depth_ > 20) {
      --depth_;
      return Undecided("nested too deeply");
    }
    const MathComparison result = Dispatch(a, b);
    --depth_;
    return result;
  }

 private:
  MathComparison Dispatch(const Answer& a, const Answer& b) {
    if (a.form == AnswerForm::kText || b.form == AnswerForm::kText) return Texts(a, b);
    if (a.form == AnswerForm::kChoice || b.form == AnswerForm::kChoice) return Choices(a, b);
    if (const auto ranges = Ranges(a, b)) return *ranges;
    if (a.form == AnswerForm::kRelation || b.form == AnswerForm::kRelation) return Relations(a, b);
    if (a.form == AnswerForm::kRatio || b.form == AnswerForm::kRatio) return Ratios(a, b);
    if (a.form == AnswerForm::kBased || b.form == AnswerForm::kBased) return Based(a, b);
    if (a.form == AnswerForm::kQuantity || b.form == AnswerForm::kQuantity) {
      return Quantities(a, b);
    }
    if (IsCollection(a) || IsCollection(b)) return Collections(a, b);
    if (a.form == AnswerForm::kTuple || b.form == AnswerForm::kTuple ||
        a.form == AnswerForm::kMatrix || b.form == AnswerForm::kMatrix) {
      return Ordered(a, b);
    }
    if (a.form != b.form) return Different("of different kinds");
    if (a.form == AnswerForm::kScalar) return scalars_.Compare(a, b);
    return CanonicalText(a) == CanonicalText(b) ? Equal("same") : Different("different");
  }

  static bool IsCollection(const Answer& answer) {
    return answer.form == AnswerForm::kList || answer.form == AnswerForm::kSet;
  }

  // ---- words
  MathComparison Texts(const Answer& a, const Answer& b) {
    if (a.form == b.form && WordKey(a.text) == WordKey(b.text)) return Equal("same words");
    // \text{C} and (C).
    const Answer& choice = a.form == AnswerForm::kChoice ? a : b;
    const Answer& text = a.form == AnswerForm::kChoice ? b : a;
    if (choice.form == AnswerForm::kChoice && text.text == WordKey(choice.text)) {
      return Equal("same choice");
    }
    return Different("words differ");
  }

  MathComparison Choices(const Answer& a, const Answer& b) {
    const std::string first = ChoiceLetter(a), second = ChoiceLetter(b);
    if (!first.empty() && !second.empty()) {
      return first == second ? Equal("same choice") : Different("another choice");
    }
    // "(B) 12" to the truth 12.
    const Answer& choice = a.form == AnswerForm::kChoice ? a : b;
    const Answer& other = a.form == AnswerForm::kChoice ? b : a;
    if (choice.parts.empty()) return Different("a choice and no choice");
    return a.form == AnswerForm::kChoice ? Compare(choice.parts[0], other)
                                         : Compare(other, choice.parts[0]);
  }

  static std::string ChoiceLetter(const Answer& answer) {
    if (answer.form == AnswerForm::kChoice) return answer.text;
    const bool letter = IsOp(answer, Op::kVariable) && answer.text.size() == 1;
    return letter ? answer.text : "";
  }

  // ---- intervals, unions, inequalities
  static bool IsRange(const Answer& answer) {
    if (answer.form == AnswerForm::kUnion || answer.form == AnswerForm::kReals) return true;
    if (answer.form == AnswerForm::kRelation) {
      return answer.relations[0] != Relation::kEqual &&
             answer.relations[0] != Relation::kApproximately;
    }
    if (answer.form == AnswerForm::kTuple) return answer.left_closed != answer.right_closed;
    return answer.form == AnswerForm::kList && !answer.parts.empty() && IsRange(answer.parts[0]) &&
           answer.parts[0].form == AnswerForm::kRelation;
  }

  // Nothing where the two are no sets of real numbers.
  absl::optional<MathComparison> Ranges(const Answer& a, const Answer& b) {
    if (!IsRange(a) && !IsRange(b)) return absl::nullopt;
    if (IsInequality(b) && !IsInequality(a) && !policy_.inequality_for_interval) {
      return Different("an inequality for an interval");
    }
    const auto first = ToIntervals(a), second = ToIntervals(b);
    if (!first.has_value() || !second.has_value()) return absl::nullopt;
    if (!first->subject.empty() && !second->subject.empty() && first->subject != second->subject) {
      return Different("inequalities of different variables");
    }
    if (first->intervals.size() != second->intervals.size()) return Different("other intervals");
    for (size_t i = 0; i < first->intervals.size(); ++i) {
      const RealInterval& x = first->intervals[i];
      const RealInterval& y = second->intervals[i];
      if (x.low_closed != y.low_closed || x.high_closed != y.high_closed) {
        return Different("an end is open on one side only");
      }
      for (const auto& ends : {std::make_pair(&x.low, &y.low), std::make_pair(&x.high, &y.high)}) {
        const MathComparison end = scalars_.Compare(*ends.first, *ends.second);
        if (end.verdict != MathVerdict::kEqual) return end;
      }
    }
    return Equal("the same set of numbers");
  }

  static bool IsMembership(const Answer& answer) {
    return answer.form == AnswerForm::kRelation && answer.relations.size() == 1 &&
           answer.relations[0] == Relation::kElementOf;
  }

  static bool IsInequality(const Answer& answer) {
    return answer.form == AnswerForm::kRelation && answer.relations[0] != Relation::kEqual &&
           answer.relations[0] != Relation::kElementOf &&
           answer.relations[0] != Relation::kApproximately;
  }

  // ---- equations and assignments
  MathComparison Relations(const Answer& a, const Answer& b) {
    if (IsMembership(a)) return Compare(a.parts[1], b);
    if (IsMembership(b)) return Compare(a, b.parts[1]);
    if (a.form == b.form) return TwoRelations(a, b);
    const bool first = a.form == AnswerForm::kRelation;
    const Answer& relation = first ? a : b;
    const Answer& other = first ? b : a;
    absl::optional<Answer> value;
    if (const auto assignment = AssignmentOf(relation)) {
      value = assignment->value;
    } else {
      value = ComputedValue(relation);
    }
    if (!value.has_value()) return OneItem(a, b);
    return first ? Compare(*value, other) : Compare(other, *value);
  }

  // An equation beside a list of one.
  MathComparison OneItem(const Answer& a, const Answer& b) {
    if (IsCollection(a) && a.parts.size() == 1) return Compare(a.parts[0], b);
    if (IsCollection(b) && b.parts.size() == 1) return Compare(a, b.parts[0]);
    return Different("an equation and no equation");
  }

  MathComparison TwoRelations(const Answer& a, const Answer& b) {
    const auto first = AssignmentOf(a), second = AssignmentOf(b);
    if (first.has_value() && second.has_value()) {
      const MathComparison values = TwoAssignments(*first, *second);
      if (values.verdict == MathVerdict::kEqual) return values;
    }
    if (IsEquation(a) && IsEquation(b)) {
      return scalars_.UpToFactor(Difference(a.parts[0], a.parts[1]),
                                 Difference(b.parts[0], b.parts[1]));
    }
    return SameChain(a, b);
  }

  MathComparison TwoAssignments(const Assignment& a, const Assignment& b) {
    if (CanonicalText(a.name) == CanonicalText(b.name)) return Compare(a.value, b.value);
    // f(x) = x^2 and f(t) = t^2.
    if (IsOp(a.name, Op::kCall) && IsOp(b.name, Op::kCall) && a.name.text == b.name.text &&
        a.name.parts.size() == 1 && b.name.parts.size() == 1 &&
        IsOp(a.name.parts[0], Op::kVariable) && IsOp(b.name.parts[0], Op::kVariable)) {
      Answer renamed = b.value;
      Rename(b.name.parts[0].text, a.name.parts[0].text, &renamed);
      return Compare(a.value, renamed);
    }
    return Different("values of different names");
  }

  static void Rename(const std::string& from, const std::string& to, Answer* answer) {
    if (IsOp(*answer, Op::kVariable) && answer->text == from) answer->text = to;
    for (Answer& part : answer->parts) Rename(from, to, &part);
  }

  static bool IsEquation(const Answer& answer) {
    return answer.relations.size() == 1 && answer.relations[0] == Relation::kEqual &&
           IsScalar(answer.parts[0]) && IsScalar(answer.parts[1]);
  }

  // Chains member by member: f(2) < f(1) < f(4).
  MathComparison SameChain(const Answer& a, const Answer& b) {
    if (a.relations != b.relations) return Different("other relations");
    for (size_t i = 0; i < a.parts.size(); ++i) {
      const MathComparison part = Compare(a.parts[i], b.parts[i]);
      if (part.verdict != MathVerdict::kEqual) return part;
    }
    return Equal("the same relations");
  }

  // ---- ratios, times, numbers in other bases
  MathComparison Ratios(const Answer& a, const Answer& b) {
    if (a.form != b.form) {
      const Answer& ratio = a.form == AnswerForm::kRatio ? a : b;
      const Answer& other = a.form == AnswerForm::kRatio ? b : a;
      if (ratio.parts.size() != 2 || IsTimeOfDay(ratio) || !IsScalar(ratio.parts[0]) ||
          !IsScalar(ratio.parts[1]) || other.form != AnswerForm::kScalar) {
        return Different("of different kinds");
      }
      return scalars_.Compare(MakeScalar(Op::kDivide, ratio.parts), other);
    }
    if (a.parts.size() != b.parts.size()) return Different("ratios of other length");
    if (IsTimeOfDay(a) && IsTimeOfDay(b)) {
      for (size_t i = 0; i < a.parts.size(); ++i) {
        const MathComparison part = Compare(a.parts[i], b.parts[i]);
        if (part.verdict != MathVerdict::kEqual) return Different("other times");
      }
      return Equal("the same time");
    }
    for (size_t i = 0; i < a.parts.size(); ++i) {
      if (!IsScalar(a.parts[i]) || !IsScalar(b.parts[i])) return Different("not a ratio");
    }
    for (size_t i = 1; i < a.parts.size(); ++i) {
      const MathComparison part =
          scalars_.Compare(MakeScalar(Op::kMultiply, {a.parts[0], b.parts[i]}),
                           MakeScalar(Op::kMultiply, {b.parts[0], a.parts[i]}));
      if (part.verdict != MathVerdict::kEqual) return part;
    }
    return Equal("the same ratio");
  }

  MathComparison Based(const Answer& a, const Answer& b) {
    if (a.form != b.form) return Different("a number in another base");
    int64_t x = 0, y = 0;
    if (a.columns == b.columns) {
      const auto key = [](absl::string_view digits) {
        while (digits.size() > 1 && digits[0] == '0') digits.remove_prefix(1);
        return digits;
      };
      return key(a.text) == key(b.text) ? Equal("the same digits") : Different("other digits");
    }
    if (!BasedValue(a, &x) || !BasedValue(b, &y)) return Different("other digits");
    return x == y ? Equal("the same number") : Different("values differ");
  }

  static bool BasedValue(const Answer& based, int64_t* value) {
    for (const char c : based.text) {
      if (!absl::ascii_isdigit(c) || c - '0' >= based.columns || *value > (int64_t{1} << 55)) {
        return false;
      }
      *value = *value * based.columns + (c - '0');
    }
    return true;
  }

  // ---- units
  MathComparison Quantities(const Answer& a, const Answer& b) {
    const Answer& x = a.form == AnswerForm::kQuantity ? a.parts[0] : a;
    const Answer& y = b.form == AnswerForm::kQuantity ? b.parts[0] : b;
    if (a.form == b.form && policy_.units && a.text != b.text &&
        !absl::StrContains(a.text, "unit") && !absl::StrContains(b.text, "unit")) {
      return Different("units differ");
    }
    return Compare(x, y);
  }

  // ---- collections
  MathComparison Collections(const Answer& a, const Answer& b) {
    if (!IsCollection(a)) return CollectionAndOther(b, a, /*swapped=*/true);
    if (!IsCollection(b)) return CollectionAndOther(a, b, /*swapped=*/false);
    const NamedValues first = WithoutNames(a.parts), second = WithoutNames(b.parts);
    if (!first.names.empty() && !second.names.empty()) {
      std::vector<Answer> matched;
      if (MatchNames(first, second, &matched)) return InOrder(first.values, matched);
      if (first.ordered || second.ordered) return Different("other names");
    }
    const bool named = first.ordered || second.ordered;
    if (named || (policy_.ordered_lists && a.form == AnswerForm::kList && b.form == a.form)) {
      return InOrder(first.values, second.values);
    }
    return Unordered(first.values, second.values);
  }

  static bool MatchNames(const NamedValues& a, const NamedValues& b, std::vector<Answer>* matched) {
    if (a.names.size() != b.names.size()) return false;
    for (const std::string& name : a.names) {
      const auto found = std::find(b.names.begin(), b.names.end(), name);
      if (found == b.names.end()) return false;
      matched->push_back(b.values[found - b.names.begin()]);
    }
    return true;
  }

  MathComparison CollectionAndOther(const Answer& collection, const Answer& other, bool swapped) {
    const NamedValues named = WithoutNames(collection.parts);
    if (other.form == AnswerForm::kTuple || other.form == AnswerForm::kMatrix) {
      // "1, 3" may be meant as the pair (1, 3), {1, 3} may not.
      const bool closed = other.left_closed || other.right_closed;
      if (collection.form == AnswerForm::kSet || other.form == AnswerForm::kMatrix) {
        return Single(named.values, other, swapped);
      }
      if (closed && !(other.left_closed && other.right_closed)) return Different("an interval");
      if (named.values.size() == 1) return Single(named.values, other, swapped);
      return swapped ? InOrder(other.parts, named.values) : InOrder(named.values, other.parts);
    }
    return Single(named.values, other, swapped);
  }

  // A list of one, also in several writings, says what its item says; a longer one hedges.
  MathComparison Single(const std::vector<Answer>& values, const Answer& other, bool swapped) {
    if (values.empty()) return Different("the empty set");
    for (size_t i = 1; i < values.size(); ++i) {
      if (i > 4 || Compare(values[i], values[0]).verdict != MathVerdict::kEqual) {
        return Different("several values and one");
      }
    }
    return swapped ? Compare(other, values[0]) : Compare(values[0], other);
  }

  MathComparison InOrder(const std::vector<Answer>& a, const std::vector<Answer>& b) {
    if (a.size() != b.size()) return Different("other lengths");
    MathComparison all = Equal("equal item by item");
    for (size_t i = 0; i < a.size(); ++i) {
      const MathComparison item = Compare(a[i], b[i]);
      if (item.verdict == MathVerdict::kNotEqual) return Different("an item differs");
      if (item.verdict == MathVerdict::kUndecided) all = item;
    }
    return all;
  }

  // Items that one side lacks in the same writing.
  static std::vector<const Answer*> Lacking(const std::vector<Answer>& items,
                                            const std::vector<Answer>& others) {
    std::set<std::string> texts;
    for (const Answer& other : others) texts.insert(CanonicalText(other));
    std::vector<const Answer*> lacking;
    for (const Answer& item : items) {
      if (texts.count(CanonicalText(item)) == 0) lacking.push_back(&item);
    }
    return lacking;
  }

  MathComparison Unordered(const std::vector<Answer>& a, const std::vector<Answer>& b) {
    if (a.size() * b.size() > kMaxPairs) return Undecided("lists too long");
    if (a.empty() != b.empty()) return Different("the empty set");
    if (const auto numbers = NumberSets(a, b)) return *numbers;
    const std::vector<const Answer*> only_a = Lacking(a, b), only_b = Lacking(b, a);
    if (only_a.size() * b.size() + only_b.size() * a.size() > kMaxItemPairs) {
      return Undecided("lists too long");
    }
    const MathComparison forth = Contained(only_a, b, /*swapped=*/false);
    if (forth.verdict == MathVerdict::kNotEqual) return forth;
    const MathComparison back = Contained(only_b, a, /*swapped=*/true);
    return back.verdict == MathVerdict::kEqual ? forth : back;
  }

  // Sets of small fractions are sorted.
  absl::optional<MathComparison> NumberSets(const std::vector<Answer>& a,
                                            const std::vector<Answer>& b) {
    if (policy_.precision != "exact") return absl::nullopt;
    std::vector<SmallFraction> keys[2];
    for (int side = 0; side < 2; ++side) {
      for (const Answer& item : side == 0 ? a : b) {
        const auto value = ValueOf(item);
        if (!value.has_value()) return absl::nullopt;
        keys[side].push_back(*value);
      }
      std::sort(keys[side].begin(), keys[side].end());
      keys[side].erase(std::unique(keys[side].begin(), keys[side].end()), keys[side].end());
    }
    return keys[0] == keys[1] ? Equal("the same set of numbers") : Different("other numbers");
  }

  MathComparison Contained(const std::vector<const Answer*>& items,
                           const std::vector<Answer>& others, bool swapped) {
    MathComparison all = Equal("equal as sets");
    for (const Answer* const item : items) {
      MathComparison best = Different("an item has no counterpart");
      for (const Answer& other : others) {
        const MathComparison pair = swapped ? Compare(other, *item) : Compare(*item, other);
        if (pair.verdict == MathVerdict::kUndecided) best = pair;
        if (pair.verdict == MathVerdict::kEqual) {
          best = pair;
          break;
        }
      }
      if (best.verdict == MathVerdict::kNotEqual) return best;
      if (best.verdict == MathVerdict::kUndecided) all = best;
    }
    return all;
  }

  // ---- tuples and matrices
  MathComparison Ordered(const Answer& a, const Answer& b) {
    const bool matrices = a.form == AnswerForm::kMatrix && b.form == AnswerForm::kMatrix;
    if (matrices && a.columns != b.columns) return Different("matrices of other size");
    if (!matrices && a.form == b.form &&
        (a.left_closed != b.left_closed || a.right_closed != b.right_closed)) {
      return Different("other brackets");
    }
    if (a.form != b.form) {
      // A column or row beside a tuple.
      const Answer& matrix = a.form == AnswerForm::kMatrix ? a : b;
      const Answer& tuple = a.form == AnswerForm::kMatrix ? b : a;
      const bool vector =
          matrix.columns == 1 || matrix.columns == static_cast<int>(matrix.parts.size());
      if (matrix.form != AnswerForm::kMatrix || tuple.form != AnswerForm::kTuple || !vector ||
          tuple.left_closed != tuple.right_closed) {
        return Different("of different kinds");
      }
    }
    return InOrder(a.parts, b.parts);
  }

  const MathPolicy& policy_;
  int depth_ = 0;
  ScalarComparer scalars_;
};

// A single letter or word beside what was read as variables: \text{E} and E, odd and \text{odd}.
bool SameWords(const ParsedAnswer& a, const ParsedAnswer& b) {
  const auto words = [](const ParsedAnswer& parsed) {
    return std::any_of(parsed.readings.begin(), parsed.readings.end(),
                       [](const Answer& reading) { return reading.form == AnswerForm::kText; });
  };
  if (words(a) == words(b)) return false;
  const ParsedAnswer& text = words(a) ? a : b;
  const ParsedAnswer& other = words(a) ? b : a;
  for (const char c : other.text) {
    if (!absl::ascii_isalnum(c) && c != '(' && c != ')') return false;
  }
  return WordKey(text.readings[0].text) == WordKey(other.text);
}

using VariableNumbers = absl::flat_hash_map<std::string, size_t>;

void NumberVariables(Answer* answer, VariableNumbers* numbers) {
  if (answer->form == AnswerForm::kScalar && answer->op == Op::kVariable) {
    const size_t number = numbers->emplace(answer->text, numbers->size()).first->second;
    answer->text = absl::StrCat("x_", number);
  }
  for (Answer& part : answer->parts) NumberVariables(&part, numbers);
}

// The answer with its variables called x_0, x_1, … in the order in which they come.
ParsedAnswer WithNumberedVariables(ParsedAnswer answer) {
  for (Answer& reading : answer.readings) {
    VariableNumbers numbers;
    NumberVariables(&reading, &numbers);
  }
  return answer;
}

}  // namespace

MathComparison CompareAnswers(const ParsedAnswer& truth, const ParsedAnswer& answer,
                              const MathPolicy& policy) {
  if (!policy.variable_names) {
    MathPolicy by_name = policy;
    by_name.variable_names = true;
    const MathComparison as_named = CompareAnswers(truth, answer, by_name);
    if (as_named.verdict == MathVerdict::kEqual) return as_named;
    return CompareAnswers(WithNumberedVariables(truth), WithNumberedVariables(answer), by_name);
  }
  if (!answer.text.empty() && truth.text == answer.text) return Equal("the same text");
  if (!truth.parsed()) return {MathVerdict::kUnparsedTruth, "the truth cannot be read"};
  if (!answer.parsed()) return {MathVerdict::kUnparsedAnswer, "the answer cannot be read"};
  if (SameWords(truth, answer)) return Equal("the same words");
  MathComparison best = Different("different");
  // What a comparison may cost is spent in the order of its steps: one order, whichever side is the
  // truth, so that both ways round end alike.
  const bool symmetric = policy.precision == "exact" && policy.inequality_for_interval;
  const bool turned = symmetric && answer.text < truth.text;
  Comparer comparer(policy);
  for (const Answer& a : (turned ? answer : truth).readings) {
    for (const Answer& b : (turned ? truth : answer).readings) {
      MathComparison result;
      if (!ValueOf(a).has_value() && CanonicalText(a) == CanonicalText(b)) {
        return Equal("the same expression");
      }
      if (NeedsPreparation(a, b)) {
        Answer x = a, y = b;
        PrepareTogether(&x, &y);
        result = comparer.Compare(x, y);
      } else {
        result = comparer.Compare(a, b);
      }
      if (result.verdict == MathVerdict::kEqual) return result;
      if (best.verdict != MathVerdict::kUndecided) best = result;
    }
  }
  return best;
}

}  // namespace grpo
