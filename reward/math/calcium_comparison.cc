#include "reward/math/calcium_comparison.h"

#include <cstdlib>
#include <memory>

#include "reward/math/calcium.h"

namespace grpo {
namespace {

// Calcium's time cannot be counted beforehand; expressions of so few irrational operations, of such
// numbers, have been seen to take less than a millisecond.
constexpr int kMostOperations = 24;
constexpr int kMostIrrational = 3;  // roots, powers and functions
constexpr int64_t kMostBits = 64;
constexpr int64_t kHighestPower = 8;

struct FreeStack {
  void operator()(grpo_calcium* stack) const { grpo_calcium_free(stack); }
};
using Stack = std::unique_ptr<grpo_calcium, FreeStack>;

// Counts what an expression would ask of Calcium; shared by both sides.
struct Budget {
  int operations = kMostOperations;
  int irrational = kMostIrrational;
};

class Builder {
 public:
  Builder(const Expression& expression, ExactEvaluator& exact, OddRoots odd_roots,
          grpo_calcium* stack, Budget& budget)
      : expression_(expression),
        exact_(exact),
        odd_roots_(odd_roots),
        stack_(stack),
        budget_(budget) {}

  // Leaves the node's value on the stack.
  bool Push(int32_t index) {
    const Expression::Node& node = expression_.nodes[index];
    if (const absl::optional<Rational> exact = exact_.Evaluate(index, {})) return Push(*exact);
    if (--budget_.operations < 0) return false;
    switch (node.op) {
      case Op::kPi:
        return grpo_calcium_push_constant(stack_, GRPO_CALCIUM_PI) != 0;
      case Op::kI:
        return grpo_calcium_push_constant(stack_, GRPO_CALCIUM_I) != 0;
      case Op::kE:
        return Push(Rational(1)) && Apply(GRPO_CALCIUM_EXP);
      case Op::kAdd:
        return Fold(node, GRPO_CALCIUM_ADD);
      case Op::kMultiply:
        return Fold(node, GRPO_CALCIUM_MULTIPLY);
      case Op::kDivide:
        return Fold(node, GRPO_CALCIUM_DIVIDE);
      case Op::kPower:
        return PushPower(node);
      case Op::kRoot: {
        const absl::optional<Rational> degree = exact_.Evaluate(node.arguments[1], {});
        return degree && !degree->IsZero() && Push(node.arguments[0]) &&
               RaiseTop(Rational(1) / *degree);
      }
      case Op::kLog:
        return PushLogarithm(node);
      case Op::kDegrees:
        return Push(node.arguments[0]) &&
               grpo_calcium_push_constant(stack_, GRPO_CALCIUM_PI) != 0 &&
               Combine(GRPO_CALCIUM_MULTIPLY) && Push(Rational(180)) &&
               Combine(GRPO_CALCIUM_DIVIDE);
      case Op::kPercent:
        return Push(node.arguments[0]) && Push(Rational(100)) && Combine(GRPO_CALCIUM_DIVIDE);
      case Op::kNegate:
        return Push(node.arguments[0]) && grpo_calcium_apply(stack_, GRPO_CALCIUM_NEGATE) != 0;
      default:
        return PushFunction(node);
    }
  }

 private:
  bool Push(const Rational& value) {
    const auto bits = static_cast<int64_t>(fmpz_bits(fmpq_numref(value.flint())) +
                                           fmpz_bits(fmpq_denref(value.flint())));
    return bits <= kMostBits && grpo_calcium_push_rational(stack_, value.flint()) != 0;
  }
  bool Apply(grpo_calcium_function function) {
    return --budget_.irrational >= 0 && grpo_calcium_apply(stack_, function) != 0;
  }
  bool Combine(grpo_calcium_operator op) { return grpo_calcium_combine(stack_, op) != 0; }

  bool Fold(const Expression::Node& node, grpo_calcium_operator op) {
    for (size_t i = 0; i < node.arguments.size(); ++i) {
      if (!Push(node.arguments[i]) || (i > 0 && !Combine(op))) return false;
    }
    return true;
  }

  bool PushPower(const Expression::Node& node) {
    if (expression_.nodes[node.arguments[0]].op == Op::kE) {
      return Push(node.arguments[1]) && Apply(GRPO_CALCIUM_EXP);
    }
    if (!Push(node.arguments[0])) return false;
    if (const absl::optional<Rational> exponent = exact_.Evaluate(node.arguments[1], {})) {
      return RaiseTop(*exponent);
    }
    return --budget_.irrational >= 0 && Push(node.arguments[1]) && Combine(GRPO_CALCIUM_POWER);
  }

  bool RaiseTop(const Rational& exponent) {
    if (fmpz_cmpabs(fmpq_numref(exponent.flint()), fmpq_numref(Limit().flint())) > 0 ||
        fmpz_cmpabs(fmpq_denref(exponent.flint()), fmpq_numref(Limit().flint())) > 0) {
      return false;
    }
    const int64_t degree = fmpz_get_si(fmpq_denref(exponent.flint()));
    if (degree == 1) return Push(exponent) && Combine(GRPO_CALCIUM_POWER);
    if (--budget_.irrational < 0) return false;
    const bool may_be_negative = degree % 2 == 1 && odd_roots_ == OddRoots::kReal;
    const int sign = may_be_negative ? grpo_calcium_sign_of_top(stack_) : 1;
    if (sign == 0) return false;
    const bool odd_power = fmpz_is_odd(fmpq_numref(exponent.flint()));
    if (sign < 0) grpo_calcium_apply(stack_, GRPO_CALCIUM_NEGATE);
    if (!Push(exponent) || !Combine(GRPO_CALCIUM_POWER)) return false;
    if (sign < 0 && odd_power) grpo_calcium_apply(stack_, GRPO_CALCIUM_NEGATE);
    return true;
  }

  static Rational Limit() { return Rational(kHighestPower); }

  bool PushLogarithm(const Expression::Node& node) {
    if (!Push(node.arguments[0]) || !Apply(GRPO_CALCIUM_LOG)) return false;
    if (expression_.nodes[node.arguments[1]].op == Op::kE) return true;
    return Push(node.arguments[1]) && Apply(GRPO_CALCIUM_LOG) && Combine(GRPO_CALCIUM_DIVIDE);
  }

  bool PushFunction(const Expression::Node& node) {
    if (node.arguments.size() != 1) return false;
    const auto apply = [&](grpo_calcium_function function) {
      return Push(node.arguments[0]) && Apply(function);
    };
    const auto reciprocal = [&](grpo_calcium_function function) {
      return Push(Rational(1)) && apply(function) && Combine(GRPO_CALCIUM_DIVIDE);
    };
    switch (node.op) {
      case Op::kAbs:
        return apply(GRPO_CALCIUM_ABS);
      case Op::kExp:
        return apply(GRPO_CALCIUM_EXP);
      case Op::kSin:
        return apply(GRPO_CALCIUM_SIN);
      case Op::kCos:
        return apply(GRPO_CALCIUM_COS);
      case Op::kTan:
        return apply(GRPO_CALCIUM_TAN);
      case Op::kCot:
        return reciprocal(GRPO_CALCIUM_TAN);
      case Op::kSec:
        return reciprocal(GRPO_CALCIUM_COS);
      case Op::kCsc:
        return reciprocal(GRPO_CALCIUM_SIN);
      case Op::kArctan:
        return apply(GRPO_CALCIUM_ATAN);
      case Op::kArcsin:
        return apply(GRPO_CALCIUM_ASIN);
      case Op::kArccos:
        return apply(GRPO_CALCIUM_ACOS);
      default:
        return false;
    }
  }

  const Expression& expression_;
  ExactEvaluator& exact_;
  const OddRoots odd_roots_;
  grpo_calcium* const stack_;
  Budget& budget_;
};

}  // namespace

absl::optional<bool> ProveEqual(const Expression& a, ExactEvaluator& exact_a, const Expression& b,
                                ExactEvaluator& exact_b, OddRoots odd_roots) {
  const Stack stack(grpo_calcium_new());
  Budget budget;
  const auto root = [](const Expression& expression) {
    return static_cast<int32_t>(expression.nodes.size()) - 1;
  };
  if (!Builder(a, exact_a, odd_roots, stack.get(), budget).Push(root(a)) ||
      !Builder(b, exact_b, odd_roots, stack.get(), budget).Push(root(b))) {
    return absl::nullopt;
  }
  const int equal = grpo_calcium_take_equal(stack.get());
  if (equal < 0) return absl::nullopt;
  return equal == 1;
}

}  // namespace grpo
