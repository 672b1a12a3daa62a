// Adapters on disk, as PEFT keeps them: adapter_config.json and adapter_model.safetensors.
#pragma once

#include <string>

#include "absl/status/status.h"

#include "policy/weights.h"

namespace grpo {

// The folder must exist. `base_policy`, which may be empty, is where PEFT will look for the weights
// that the adapters belong to. Adapters of experts are for transformers 5 and later, where the
// matrices of all experts are one parameter.
absl::Status SaveAdapterFolder(const std::string& folder, const Weights& weights,
                               const std::string& base_policy);

}  // namespace grpo
