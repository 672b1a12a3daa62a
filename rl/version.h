#pragma once

namespace grpo {

constexpr char kVersion[] = "0.1.0";

}  // namespace grpo
