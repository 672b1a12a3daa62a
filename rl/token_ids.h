// Token ids in JSON records of the command line.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include <nlohmann/json.hpp>

namespace grpo {

// The ids of a list, all from 0 to vocabulary - 1; the error shows one that is not.
absl::StatusOr<std::vector<int32_t>> TokenIdsFromJson(const nlohmann::json& list, int vocabulary);

}  // namespace grpo
