// A precedence-climbing parser over the tokens of an answer.
#pragma once

#include <vector>

#include "absl/types/optional.h"

#include "reward/math/answer.h"
#include "reward/math/lexer.h"

namespace grpo {

// The whole of the tokens as one answer; nothing where they are no answer or exceed the bounds of
// parser.h. No backtracking: linear in the tokens.
absl::optional<Answer> ParseTokens(const std::vector<Token>& tokens);

}  // namespace grpo
