#include "reward/math/well_formed.h"

#include <algorithm>

namespace grpo {
namespace {

bool HasRightArguments(const Expression& expression, const Expression::Node& node) {
  const size_t count = node.arguments.size();
  switch (node.op) {
    case Op::kNumber:
    case Op::kVariable:
    case Op::kPi:
    case Op::kE:
    case Op::kI:
    case Op::kInfinity:
    case Op::kRepeating:
      return count == 0;
    case Op::kAdd:
    case Op::kMultiply:
    case Op::kGcd:
    case Op::kLcm:
    case Op::kMin:
    case Op::kMax:
      return count >= 1;
    case Op::kDivide:
    case Op::kPower:
    case Op::kRoot:
    case Op::kBinomial:
    case Op::kLog:
    case Op::kMod:
      return count == 2;
    case Op::kSum:
    case Op::kProduct:
      return count == 4 && expression.nodes[node.arguments[0]].op == Op::kVariable;
    case Op::kCall:
      return true;
    default:
      return count == 1;
  }
}

}  // namespace

bool IsWellFormed(const Expression& expression) {
  const size_t count = expression.nodes.size();
  if (count == 0 || count > kMostNodes) return false;
  std::vector<int> depths(count, 1);
  for (size_t i = 0; i < count; ++i) {
    const Expression::Node& node = expression.nodes[i];
    for (const int32_t argument : node.arguments) {
      if (argument < 0 || static_cast<size_t>(argument) >= i) return false;
      depths[i] = std::max(depths[i], depths[argument] + 1);
    }
    if (depths[i] > kDeepestExpression || !HasRightArguments(expression, node)) return false;
  }
  return true;
}

}  // namespace grpo
