// Python's int and float: how they are written, read and computed with. Integers have 64 bits here;
// what would need more is an error.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace grpo::jinja {

// As repr() writes it: the fewest digits that give the number back, "1.0", "1e+16", "inf".
std::string FloatText(double number);

// As int(text, base) and float(text) read them; nothing where they would raise ValueError.
// kOutOfRange for an integer of more than 64 bits.
absl::StatusOr<absl::optional<int64_t>> ParseInt(absl::string_view text, int base);
absl::optional<double> ParseFloat(absl::string_view text);

absl::StatusOr<int64_t> AddInts(int64_t left, int64_t right);
absl::StatusOr<int64_t> SubtractInts(int64_t left, int64_t right);
absl::StatusOr<int64_t> MultiplyInts(int64_t left, int64_t right);
// Rounded towards minus infinity; the rest has the sign of `right`.
absl::StatusOr<int64_t> FloorDivideInts(int64_t left, int64_t right);
absl::StatusOr<int64_t> ModuloInts(int64_t left, int64_t right);
absl::StatusOr<int64_t> PowerInts(int64_t base, int64_t exponent);  // exponent >= 0

absl::StatusOr<double> DivideFloats(double left, double right);
absl::StatusOr<double> FloorDivideFloats(double left, double right);
absl::StatusOr<double> ModuloFloats(double left, double right);
absl::StatusOr<double> PowerFloats(double base, double exponent);

// The integer part. kOutOfRange where it does not fit, kInvalidArgument for nan.
absl::StatusOr<int64_t> Truncate(double number);

// round(number, digits): halves go to the even neighbour.
absl::StatusOr<double> RoundFloat(double number, int64_t digits);
absl::StatusOr<int64_t> RoundInt(int64_t number, int64_t digits);

// -1, 0 or 1 by exact value; nothing where one is nan.
absl::optional<int> CompareIntToFloat(int64_t left, double right);

}  // namespace grpo::jinja
