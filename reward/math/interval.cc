#include "reward/math/interval.h"

#include <algorithm>
#include <utility>

#include "reward/math/assignment.h"
#include "reward/math/ladder.h"
#include "reward/math/small_fraction.h"

namespace grpo {
namespace {

constexpr size_t kMaxIntervals = 64;

Answer Infinity(bool negative) {
  Answer infinity = MakeScalar(Op::kInfinity, {});
  return negative ? MakeScalar(Op::kNegate, {std::move(infinity)}) : infinity;
}

// -1 and 1 for the infinities, 0 for everything else.
int InfiniteSign(const Answer& answer) {
  if (answer.form != AnswerForm::kScalar) return 0;
  if (answer.op == Op::kInfinity) return 1;
  if (answer.op == Op::kNegate && answer.parts[0].op == Op::kInfinity) return -1;
  if (answer.op == Op::kPlusMinus) return 0;
  return 0;
}

bool IsEndpoint(const Answer& answer) {
  return IsScalar(answer) && (InfiniteSign(answer) != 0 || !HasVariables(answer));
}

Answer Negated(const Answer& answer) {
  if (answer.op == Op::kNegate) return answer.parts[0];
  return MakeScalar(Op::kNegate, {answer});
}

Relation Mirrored(Relation relation) {
  switch (relation) {
    case Relation::kLess:
      return Relation::kGreater;
    case Relation::kLessOrEqual:
      return Relation::kGreaterOrEqual;
    case Relation::kGreater:
      return Relation::kLess;
    case Relation::kGreaterOrEqual:
      return Relation::kLessOrEqual;
    default:
      return relation;
  }
}

// factor * subject + offset.
struct Linear {
  SmallFraction factor{1, 1};
  SmallFraction offset{0, 1};
  Answer subject;
};

Answer Combined(Op op, const SmallFraction& a, const SmallFraction& b) {
  return MakeScalar(op, {FractionAnswer(a), FractionAnswer(b)});
}

// Applies `op` with a constant to both numbers of the linear form.
absl::optional<Linear> Scaled(Linear linear, Op op, const SmallFraction& by) {
  const auto factor = ValueOf(Combined(op, linear.factor, by));
  const auto offset = ValueOf(Combined(op, linear.offset, by));
  if (!factor.has_value() || !offset.has_value()) return absl::nullopt;
  linear.factor = *factor;
  linear.offset = *offset;
  return linear;
}

absl::optional<Linear> LinearOf(const Answer& answer);

absl::optional<Linear> LinearSum(const Answer& sum) {
  absl::optional<Linear> result;
  SmallFraction offset;
  for (const Answer& part : sum.parts) {
    if (const auto constant = ValueOf(part)) {
      const auto total = ValueOf(Combined(Op::kAdd, offset, *constant));
      if (!total.has_value()) return absl::nullopt;
      offset = *total;
    } else if (!result.has_value()) {
      result = LinearOf(part);
      if (!result.has_value()) return absl::nullopt;
    } else {
      return absl::nullopt;
    }
  }
  if (!result.has_value()) return absl::nullopt;
  const auto total = ValueOf(Combined(Op::kAdd, result->offset, offset));
  if (!total.has_value()) return absl::nullopt;
  result->offset = *total;
  return result;
}

absl::optional<Linear> LinearOf(const Answer& answer) {
  if (answer.form != AnswerForm::kScalar) return absl::nullopt;
  if (answer.op == Op::kAdd) return LinearSum(answer);
  if (answer.op == Op::kNegate) {
    auto inner = LinearOf(answer.parts[0]);
    return inner.has_value() ? Scaled(*std::move(inner), Op::kMultiply, {-1, 1}) : absl::nullopt;
  }
  if ((answer.op == Op::kMultiply || answer.op == Op::kDivide) && answer.parts.size() == 2) {
    const auto first = ValueOf(answer.parts[0]);
    const auto second = ValueOf(answer.parts[1]);
    if (first.has_value() && answer.op == Op::kMultiply) {
      auto inner = LinearOf(answer.parts[1]);
      return inner.has_value() ? Scaled(*std::move(inner), Op::kMultiply, *first) : absl::nullopt;
    }
    if (second.has_value()) {
      auto inner = LinearOf(answer.parts[0]);
      return inner.has_value() ? Scaled(*std::move(inner), answer.op, *second) : absl::nullopt;
    }
  }
  if (!IsName(answer)) return absl::nullopt;
  Linear linear;
  linear.subject = answer;
  return linear;
}

// The numbers for which `value` stands in the relation to `limit`.
std::vector<RealInterval> HalfLine(Relation relation, const Answer& limit) {
  RealInterval below{Infinity(true), limit, false, relation == Relation::kLessOrEqual};
  RealInterval above{limit, Infinity(false), relation == Relation::kGreaterOrEqual, false};
  switch (relation) {
    case Relation::kLess:
    case Relation::kLessOrEqual:
      return {below};
    case Relation::kGreater:
    case Relation::kGreaterOrEqual:
      return {above};
    default:
      return {below, above};
  }
}

absl::optional<std::vector<RealInterval>> Intersection(const std::vector<RealInterval>& a,
                                                       const std::vector<RealInterval>& b) {
  std::vector<RealInterval> result;
  for (const RealInterval& x : a) {
    for (const RealInterval& y : b) {
      const auto lows = CompareConstants(x.low, y.low);
      const auto highs = CompareConstants(x.high, y.high);
      if (!lows.has_value() || !highs.has_value()) return absl::nullopt;
      RealInterval both;
      both.low = *lows >= 0 ? x.low : y.low;
      both.low_closed = *lows > 0   ? x.low_closed
                        : *lows < 0 ? y.low_closed
                                    : x.low_closed && y.low_closed;
      both.high = *highs <= 0 ? x.high : y.high;
      both.high_closed = *highs < 0   ? x.high_closed
                         : *highs > 0 ? y.high_closed
                                      : x.high_closed && y.high_closed;
      const auto size = CompareConstants(both.low, both.high);
      if (!size.has_value()) return absl::nullopt;
      if (*size < 0 || (*size == 0 && both.low_closed && both.high_closed)) result.push_back(both);
    }
  }
  return result;
}

// Where |x| stands in the relation to the limit.
absl::optional<std::vector<RealInterval>> AbsoluteRange(Relation relation, const Answer& limit) {
  const std::vector<RealInterval> above = HalfLine(relation, limit);
  const std::vector<RealInterval> below = HalfLine(Mirrored(relation), Negated(limit));
  if (relation == Relation::kLess || relation == Relation::kLessOrEqual) {
    return Intersection(above, below);
  }
  if (relation == Relation::kNotEqual) return absl::nullopt;
  return std::vector<RealInterval>{below[0], above[0]};
}

struct Solved {
  std::string subject;
  std::vector<RealInterval> intervals;
};

// `left relation right` for the name in it.
absl::optional<Solved> Solve(const Answer& left, Relation relation, const Answer& right) {
  if (relation == Relation::kEqual || relation == Relation::kApproximately ||
      relation == Relation::kElementOf) {
    return absl::nullopt;
  }
  if (IsEndpoint(left) && !IsEndpoint(right)) return Solve(right, Mirrored(relation), left);
  if (!IsEndpoint(right)) return absl::nullopt;
  const absl::optional<Linear> linear = LinearOf(left);
  if (!linear.has_value() || linear->factor.numerator == 0) return absl::nullopt;
  Answer limit = right;
  if (linear->offset.numerator != 0) {
    SmallFraction opposite = linear->offset;
    opposite.numerator = -opposite.numerator;
    limit = MakeScalar(Op::kAdd, {std::move(limit), FractionAnswer(opposite)});
  }
  if (!(linear->factor == SmallFraction{1, 1})) {
    limit = MakeScalar(Op::kDivide, {std::move(limit), FractionAnswer(linear->factor)});
  }
  if (linear->factor.numerator < 0) relation = Mirrored(relation);
  const bool absolute =
      linear->subject.form == AnswerForm::kScalar && linear->subject.op == Op::kAbs;
  Solved solved;
  solved.subject = CanonicalText(absolute ? linear->subject.parts[0] : linear->subject);
  if (absolute) {
    auto range = AbsoluteRange(relation, limit);
    if (!range.has_value()) return absl::nullopt;
    solved.intervals = *std::move(range);
  } else {
    solved.intervals = HalfLine(relation, limit);
  }
  return solved;
}

absl::optional<IntervalSet> FromRelation(const Answer& chain) {
  IntervalSet set;
  for (size_t i = 0; i + 1 < chain.parts.size(); ++i) {
    auto solved = Solve(chain.parts[i], chain.relations[i], chain.parts[i + 1]);
    if (!solved.has_value() || (i > 0 && solved->subject != set.subject)) return absl::nullopt;
    if (i == 0) {
      set.subject = std::move(solved->subject);
      set.intervals = std::move(solved->intervals);
    } else {
      auto both = Intersection(set.intervals, solved->intervals);
      if (!both.has_value()) return absl::nullopt;
      set.intervals = *std::move(both);
    }
  }
  return set;
}

// In rising order, with those that touch joined.
bool Normalize(std::vector<RealInterval>* intervals) {
  if (intervals->size() > kMaxIntervals) return false;
  bool decided = true;
  // Insertion sort: an undecided order must not break the sort's rules.
  for (size_t i = 1; i < intervals->size(); ++i) {
    for (size_t j = i; j > 0; --j) {
      const auto order = CompareConstants((*intervals)[j].low, (*intervals)[j - 1].low);
      decided = decided && order.has_value();
      const bool before =
          order.has_value() && (*order < 0 || (*order == 0 && (*intervals)[j].low_closed &&
                                               !(*intervals)[j - 1].low_closed));
      if (!before) break;
      std::swap((*intervals)[j], (*intervals)[j - 1]);
    }
  }
  std::vector<RealInterval> joined;
  for (RealInterval& next : *intervals) {
    if (!joined.empty()) {
      RealInterval& last = joined.back();
      const auto gap = CompareConstants(next.low, last.high);
      decided = decided && gap.has_value();
      if (gap.has_value() && (*gap < 0 || (*gap == 0 && (next.low_closed || last.high_closed)))) {
        const auto highs = CompareConstants(next.high, last.high);
        decided = decided && highs.has_value();
        if (highs.has_value() && *highs == 0) last.high_closed |= next.high_closed;
        if (highs.has_value() && *highs > 0) {
          last.high = std::move(next.high);
          last.high_closed = next.high_closed;
        }
        continue;
      }
    }
    joined.push_back(std::move(next));
  }
  *intervals = std::move(joined);
  return decided;
}

absl::optional<IntervalSet> Raw(const Answer& answer);

absl::optional<IntervalSet> FromUnion(const Answer& answer) {
  IntervalSet all;
  for (const Answer& part : answer.parts) {
    auto set = Raw(part);
    if (!set.has_value()) return absl::nullopt;
    if (&part != &answer.parts[0] && answer.text == "minus") {
      for (const RealInterval& hole : set->intervals) {
        if (CanonicalText(hole.low) != CanonicalText(hole.high)) return absl::nullopt;
        auto rest = Intersection(all.intervals, HalfLine(Relation::kNotEqual, hole.low));
        if (!rest.has_value()) return absl::nullopt;
        all.intervals = *std::move(rest);
      }
      continue;
    }
    if (&part == &answer.parts[0]) all.subject = set->subject;
    if (all.subject != set->subject) return absl::nullopt;
    std::move(set->intervals.begin(), set->intervals.end(), std::back_inserter(all.intervals));
  }
  return all;
}

absl::optional<IntervalSet> Raw(const Answer& answer) {
  IntervalSet set;
  switch (answer.form) {
    case AnswerForm::kReals:
      set.intervals.push_back({Infinity(true), Infinity(false), false, false});
      return set;
    case AnswerForm::kTuple:
      if (answer.parts.size() != 2 || answer.angled || !IsEndpoint(answer.parts[0]) ||
          !IsEndpoint(answer.parts[1])) {
        return absl::nullopt;
      }
      set.intervals.push_back(
          {answer.parts[0], answer.parts[1], answer.left_closed, answer.right_closed});
      return set;
    case AnswerForm::kSet:
      for (const Answer& part : answer.parts) {
        if (!IsEndpoint(part)) return absl::nullopt;
        set.intervals.push_back({part, part, true, true});
      }
      return set;
    case AnswerForm::kUnion:
      return FromUnion(answer);
    case AnswerForm::kRelation: {
      if (const auto assignment = AssignmentOf(answer)) {
        if (answer.relations[0] != Relation::kElementOf) return absl::nullopt;
        auto inner = Raw(assignment->value);
        if (inner.has_value()) inner->subject = CanonicalText(assignment->name);
        return inner;
      }
      return FromRelation(answer);
    }
    case AnswerForm::kList: {
      // x < 1 or x > 2.
      const bool relations =
          std::all_of(answer.parts.begin(), answer.parts.end(),
                      [](const Answer& part) { return part.form == AnswerForm::kRelation; });
      if (!relations) return absl::nullopt;
      return FromUnion(answer);
    }
    default:
      return absl::nullopt;
  }
}

}  // namespace

absl::optional<int> CompareConstants(const Answer& a, const Answer& b) {
  const int first = InfiniteSign(a), second = InfiniteSign(b);
  if (first != 0 || second != 0) return first < second ? -1 : first > second ? 1 : 0;
  const auto x = ValueOf(a), y = ValueOf(b);
  if (x.has_value() && y.has_value()) return *x < *y ? -1 : *y < *x ? 1 : 0;
  if (!IsScalar(a) || !IsScalar(b)) return absl::nullopt;
  return CompareReal(ToExpression(a), ToExpression(b));
}

absl::optional<IntervalSet> ToIntervals(const Answer& answer) {
  absl::optional<IntervalSet> set = Raw(answer);
  if (!set.has_value() || !Normalize(&set->intervals)) return absl::nullopt;
  return set;
}

}  // namespace grpo
