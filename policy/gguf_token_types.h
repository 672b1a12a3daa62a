// The numbers of `tokenizer.ggml.token_type`.
#pragma once

#include <cstdint>

namespace grpo {

constexpr int64_t kNormalToken = 1;
constexpr int64_t kUnknownToken = 2;
constexpr int64_t kControlToken = 3;
constexpr int64_t kUserDefinedToken = 4;
constexpr int64_t kUnusedToken = 5;
constexpr int64_t kByteToken = 6;

}  // namespace grpo
