// Numbers as text that reads back to the same number.
#pragma once

#include <string>

namespace grpo {

// The shortest decimal text that reads back to exactly this finite value, always recognisable as a
// floating-point number: "0.1", "1.0", "1e-08". Valid in TOML and in JSON.
std::string ExactDouble(double value);

// The same for people: "1" rather than "1.0".
std::string ShortDouble(double value);

}  // namespace grpo
