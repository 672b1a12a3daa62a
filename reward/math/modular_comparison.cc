#include "reward/math/modular_comparison.h"

#include <string>

#include "reward/math/modular_value.h"
#include "reward/math/prime_field.h"

namespace grpo {
namespace {

// From this many bits on, a number could be a multiple of all the fixed primes on purpose.
constexpr double kMostTrustedHeight = 128;
constexpr uint64_t kPoints[] = {1, 2};

struct Side {
  const Expression& expression;
  ExactEvaluator& exact;

  absl::optional<Residue> Evaluate(const PrimeField& field, uint64_t point) const {
    ModularEvaluator evaluator(expression, exact, field, point);
    return evaluator.Evaluate(static_cast<int32_t>(expression.nodes.size()) - 1, {});
  }
};

uint64_t HashOf(const Expression& expression) {
  uint64_t hash = 0;
  for (const Expression::Node& node : expression.nodes) {
    hash = MixHash(hash, static_cast<uint64_t>(node.op));
    for (const char c : node.text) hash = MixHash(hash, static_cast<unsigned char>(c));
    for (const int32_t argument : node.arguments) {
      hash = MixHash(hash, static_cast<uint64_t>(argument));
    }
  }
  return hash;
}

// A prime that follows from the two expressions themselves, in either order: nobody can write an
// expression that is a multiple of it on purpose.
PrimeField FieldOf(const Expression& a, const Expression& b) {
  const uint64_t hash = HashOf(a) + HashOf(b);
  return PrimeField((uint64_t{1} << 60) + MixHash(hash, 0) % (uint64_t{1} << 60));
}

// The verdict in one field; `height` becomes the larger one of the two expressions.
using FieldTest = ModularVerdict (*)(const Side& a, const Side& b, const PrimeField& field,
                                     double& height);

ModularVerdict TestValues(const Side& a, const Side& b, const PrimeField& field, double& height) {
  const absl::optional<Residue> left = a.Evaluate(field, kPoints[0]);
  if (!left) return ModularVerdict::kUnknown;
  const absl::optional<Residue> right = b.Evaluate(field, kPoints[0]);
  if (!right) return ModularVerdict::kUnknown;
  height = left->height + right->height;
  if (left->value == right->value) return ModularVerdict::kEqual;
  return left->formal || right->formal ? ModularVerdict::kUnknown : ModularVerdict::kDifferent;
}

ModularVerdict TestRatio(const Side& a, const Side& b, const PrimeField& field, double& height) {
  const absl::optional<Residue> a0 = a.Evaluate(field, kPoints[0]);
  const absl::optional<Residue> a1 = a.Evaluate(field, kPoints[1]);
  const absl::optional<Residue> b0 = b.Evaluate(field, kPoints[0]);
  const absl::optional<Residue> b1 = b.Evaluate(field, kPoints[1]);
  if (!a0 || !a1 || !b0 || !b1) return ModularVerdict::kUnknown;
  height = a0->height + b0->height;
  const bool formal = a0->formal || b0->formal;
  if (a0->value == 0 || b0->value == 0) {
    if (formal) return ModularVerdict::kUnknown;
    return a0->value == b0->value ? ModularVerdict::kEqual : ModularVerdict::kDifferent;
  }
  const Modulus& modulus = field.modulus();
  if (modulus.Multiply(a0->value, b1->value) == modulus.Multiply(a1->value, b0->value)) {
    return ModularVerdict::kEqual;
  }
  return formal ? ModularVerdict::kUnknown : ModularVerdict::kDifferent;
}

ModularVerdict TestInFields(const Side& a, const Side& b, FieldTest test) {
  double height = 0;
  for (int i = 0; i < PrimeField::kNumFixed; ++i) {
    const ModularVerdict verdict = test(a, b, PrimeField::Fixed(i), height);
    if (verdict != ModularVerdict::kEqual) return verdict;
  }
  if (height < kMostTrustedHeight) return ModularVerdict::kEqual;
  return test(a, b, FieldOf(a.expression, b.expression), height);
}

}  // namespace

ModularVerdict CompareModulo(const Expression& a, ExactEvaluator& exact_a, const Expression& b,
                             ExactEvaluator& exact_b) {
  return TestInFields({a, exact_a}, {b, exact_b}, TestValues);
}

ModularVerdict CompareModuloUpToFactor(const Expression& a, ExactEvaluator& exact_a,
                                       const Expression& b, ExactEvaluator& exact_b) {
  return TestInFields({a, exact_a}, {b, exact_b}, TestRatio);
}

}  // namespace grpo
