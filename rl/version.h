// The version of the program, as --version prints it and results note it.
#pragma once

namespace grpo {

constexpr char kVersion[] = "0.1.0";

}  // namespace grpo
