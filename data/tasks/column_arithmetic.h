// Written arithmetic by columns, from the right, as it stands in the reasoning traces.
#pragma once

#include <cstdint>
#include <string>

#include "data/random.h"

namespace grpo {

// A number of exactly `digits` decimal digits, the first of them not 0.
int64_t NumberOfDigits(int digits, RandomStream& random);

// 1 for 0 to 9, 2 for 10 to 99, …; number >= 0.
int DigitCount(int64_t number);

// Columns of a + b, as many as the longer number has digits: "digit+digit+carry=carry' digit'",
// always two digits after the sign. 47+85: "7+5+0=12 4+8+1=13".
std::string AdditionColumns(int64_t a, int64_t b);

// Columns of a - b for a >= b: "digit-digit-borrow=borrow' digit'". The first digit after the sign
// is the new borrow (10 was added to the column), the second one is the result's digit. 83-46:
// "3-6-0=17 8-4-1=03".
std::string SubtractionColumns(int64_t a, int64_t b);

// Columns of a * digit + carry: "digit*digit=product+carry=carry' digit'", products and sums with
// two digits. 47*6+5: "7*6=42+5=47 4*6=24+4=28".
std::string MultiplicationColumns(int64_t a, int digit, int carry);

// A number of the answer's sign and order of magnitude, uniform between half of it and 10 more than
// twice it: right in at most one of eleven problems.
int64_t NumericGuess(int64_t answer, RandomStream& random);

}  // namespace grpo
