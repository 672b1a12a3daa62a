// Powers of powers modulo a number, by Euler's theorem: where b >= log2 m, a^b and
// a^(b mod phi(m) + phi(m)) leave the same when divided by m, whatever a and m have in common.
#include <algorithm>
#include <string>
#include <unordered_map>

#include <flint/ulong_extras.h>

#include "reward/math/modular_value.h"

namespace grpo {
namespace {

constexpr uint64_t kLarge = uint64_t{1} << 32;  // above every log2 m

// A number that is not negative: modulo m, and its true value as far as it is below kLarge.
struct Tower {
  uint64_t residue;
  uint64_t size;
};

uint64_t CappedProduct(uint64_t a, uint64_t b) {
  return a != 0 && b > kLarge / a ? kLarge : std::min(a * b, kLarge);
}

uint64_t CappedPower(uint64_t base, uint64_t exponent) {
  if (base <= 1 || exponent == 0) return exponent == 0 ? 1 : base;
  uint64_t result = 1;
  for (uint64_t i = 0; i < exponent && result < kLarge; ++i) result = CappedProduct(result, base);
  return result;
}

absl::optional<Tower> NumberModulo(const std::string& digits, const Modulus& modulus, Fuel& fuel) {
  if (!fuel.Spend(10 * static_cast<int64_t>(digits.size()))) return absl::nullopt;
  Tower result{0, 0};
  for (const char c : digits) {
    if (c < '0' || c > '9') return absl::nullopt;
    const auto digit = static_cast<uint64_t>(c - '0');
    result.residue =
        (modulus.Multiply(result.residue, 10 % modulus.value()) + digit) % modulus.value();
    result.size = std::min(CappedProduct(result.size, 10) + digit, kLarge);
  }
  return result;
}

// Of what the fixed primes lead to, which is looked up because factoring takes long.
const std::unordered_map<uint64_t, uint64_t>& KnownTotients() {
  static const auto* const totients = [] {
    auto* const known = new std::unordered_map<uint64_t, uint64_t>;
    for (int i = 0; i < PrimeField::kNumFixed; ++i) {
      uint64_t value = PrimeField::Fixed(i).prime() - 1;
      while (value > 1) {
        const uint64_t totient = n_euler_phi(value);
        known->emplace(value, totient);
        value = totient;
      }
    }
    return known;
  }();
  return *totients;
}

absl::optional<uint64_t> Totient(uint64_t value, Fuel& fuel) {
  const auto known = KnownTotients().find(value);
  if (known != KnownTotients().end()) return known->second;
  constexpr uint64_t kQuicklyFactored = uint64_t{1} << 32;
  if (!fuel.Spend(value < kQuicklyFactored ? 5'000 : 60'000)) return absl::nullopt;
  return n_euler_phi(value);
}

absl::optional<Tower> Evaluate(const Expression& expression, int32_t index, const Modulus& modulus,
                               Fuel& fuel);

absl::optional<Tower> PowerModulo(const Expression& expression, const Expression::Node& node,
                                  const Modulus& modulus, Fuel& fuel) {
  const absl::optional<uint64_t> order = Totient(modulus.value(), fuel);
  if (!order) return absl::nullopt;
  const Modulus totient(*order);
  const absl::optional<Tower> base = Evaluate(expression, node.arguments[0], modulus, fuel);
  const absl::optional<Tower> exponent = Evaluate(expression, node.arguments[1], totient, fuel);
  if (!base || !exponent || (base->size == 0 && exponent->size == 0)) return absl::nullopt;
  const uint64_t reduced =
      exponent->size < kLarge ? exponent->size : exponent->residue + totient.value();
  return Tower{modulus.Power(base->residue, reduced), CappedPower(base->size, exponent->size)};
}

absl::optional<Tower> FactorialModulo(const Expression& expression, const Expression::Node& node,
                                      const Modulus& modulus, Fuel& fuel) {
  const absl::optional<Tower> n = Evaluate(expression, node.arguments[0], modulus, fuel);
  if (!n || n->size > kMostTerms || !fuel.Spend(10 * static_cast<int64_t>(n->size))) {
    return absl::nullopt;
  }
  Tower result{1 % modulus.value(), 1};
  for (uint64_t factor = 2; factor <= n->size; ++factor) {
    result.residue = modulus.Multiply(result.residue, factor % modulus.value());
    result.size = CappedProduct(result.size, factor);
  }
  return result;
}

absl::optional<Tower> Evaluate(const Expression& expression, int32_t index, const Modulus& modulus,
                               Fuel& fuel) {
  const Expression::Node& node = expression.nodes[index];
  if (!fuel.Spend(20)) return absl::nullopt;
  switch (node.op) {
    case Op::kNumber:
      return NumberModulo(node.text, modulus, fuel);
    case Op::kPower:
      return PowerModulo(expression, node, modulus, fuel);
    case Op::kFactorial:
      return FactorialModulo(expression, node, modulus, fuel);
    case Op::kAdd:
    case Op::kMultiply: {
      const bool add = node.op == Op::kAdd;
      Tower total{add ? 0 : 1 % modulus.value(), add ? 0u : 1u};
      for (const int32_t argument : node.arguments) {
        const absl::optional<Tower> value = Evaluate(expression, argument, modulus, fuel);
        if (!value) return absl::nullopt;
        total.residue = add ? modulus.Add(total.residue, value->residue)
                            : modulus.Multiply(total.residue, value->residue);
        total.size = add ? std::min(total.size + value->size, kLarge)
                         : CappedProduct(total.size, value->size);
      }
      return total;
    }
    default:
      return absl::nullopt;
  }
}

}  // namespace

absl::optional<uint64_t> TowerModulo(const Expression& expression, int32_t node,
                                     const Modulus& modulus, Fuel& fuel) {
  const absl::optional<Tower> value = Evaluate(expression, node, modulus, fuel);
  if (!value) return absl::nullopt;
  return value->residue;
}

}  // namespace grpo
