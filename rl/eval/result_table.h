// A suite's result as tables: by family, by level, and over all.
#pragma once

#include <string>
#include <vector>

#include "rl/eval/suite.h"
#include "rl/eval/suite_result.h"

namespace grpo {

// The header first. Columns: mean@n with its 95 % interval, pass@k for each k asked for, maj@k for
// the same k and for all completions where the rewards tell answers, tokens of a completion, the
// shares cut off and without a verdict.
using TableRows = std::vector<std::vector<std::string>>;

// By family, where there are several, and over all.
TableRows ResultTable(const SuiteConfig& suite, const SuiteResult& result);
// By level; empty where there are none.
TableRows LevelTable(const SuiteConfig& suite, const SuiteResult& result);

}  // namespace grpo
