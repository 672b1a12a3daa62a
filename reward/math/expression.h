// A mathematical expression as a tree, in one piece of memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace grpo {

enum class Op : uint8_t {
  kNumber,    // text: decimal digits, perhaps with one '.': "12", "0.5"; not negative
  kVariable,  // text: name, as "x", "x_1", "theta"
  kPi,
  kE,  // Euler's number
  kI,  // the imaginary unit
  kInfinity,
  kAdd,       // any number of arguments
  kMultiply,  // any number of arguments
  kNegate,
  kDivide,  // numerator, denominator
  kPower,   // base, exponent
  kRoot,    // radicand, degree (a node; square roots have the number 2)
  kAbs,
  kFactorial,
  kBinomial,  // n, k
  kLog,       // argument, base (a node; kE for ln)
  kExp,
  kSin,
  kCos,
  kTan,
  kCot,
  kSec,
  kCsc,
  kArcsin,
  kArccos,
  kArctan,
  kArccot,
  kArcsec,
  kArccsc,
  kSinh,
  kCosh,
  kTanh,
  kArsinh,
  kArcosh,
  kArtanh,
  kFloor,
  kCeiling,
  kGcd,
  kLcm,
  kMin,
  kMax,  // any number of arguments
  kMod,  // a mod b
  kSum,
  kProduct,    // index (kVariable), from, to, body
  kPlusMinus,  // argument: both signs are meant
  kCall,       // text: name of an unknown function, as f in f(x); arguments
  kDegrees,    // argument times pi / 180
  kPercent,    // argument / 100
  kRepeating,  // text: a decimal whose digits after '(' repeat: "0.1(6)"
};

// Nodes are in an order in which arguments stand before what they are arguments of; the last is the
// root.
struct Expression {
  struct Node {
    Op op;
    std::string text;
    std::vector<int32_t> arguments;
  };
  std::vector<Node> nodes;

  const Node& root() const { return nodes.back(); }
};

}  // namespace grpo
