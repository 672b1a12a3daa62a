// The verifiable instructions of IFEval (Zhou et al. 2023, arXiv 2311.07911) by their ids and the
// argument names of its data files. Each decides as the reference program does, quirks included;
// where that one draws a missing argument at random, or leans on a statistical model, the rule here
// is fixed and said beside the check.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace grpo {

// Whether a response, valid UTF-8 and not blank, follows the instruction. Safe to share among
// threads; linear in the response.
using InstructionCheck = std::function<bool(absl::string_view response)>;

// The check of an instruction. An error names an unknown id (with the known ones), or an argument
// that is missing, unknown or of the wrong kind; a null argument counts as absent.
absl::StatusOr<InstructionCheck> MakeInstruction(const std::string& id,
                                                 const nlohmann::json& arguments);

// All ids, sorted.
std::vector<std::string> InstructionIds();

}  // namespace grpo
