// A run's state on disk: RUN_DIR/checkpoints/step-N, a Hugging Face folder of the policy with the
// training state beside it. Written under a temporary name, flushed, then renamed; every file's
// digest is in digests.json.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <nlohmann/json.hpp>

#include "policy/policy_folder.h"
#include "policy/weights.h"

namespace grpo {

struct CheckpointContents {
  nlohmann::ordered_json state;  // what the trainer needs besides tensors
  const Weights* weights = nullptr;
  PolicyFolderExtras extras;
  // With adapters `weights` have them merged, and these are the ones that are not: the folder
  // adapter/ gets them as PEFT reads them, beside `base_policy`.
  const Weights* adapted = nullptr;
  std::string base_policy;
  // Files NAME.safetensors: the optimizer's moments, the reference of the KL term, policies that
  // sampled.
  std::map<std::string, std::vector<NamedTensor>> tensors;
};

// Writes step-<step> and then removes all but the newest `keep` checkpoints and that of the step
// `best`, where it is not negative.
absl::Status WriteCheckpoint(const std::string& run_dir, int64_t step,
                             const CheckpointContents& contents, int keep, int64_t best = -1);

// The folder of the newest complete checkpoint; an empty text where there is none. Half-written
// ones are never looked at: they have no final name.
absl::StatusOr<std::string> LatestCheckpoint(const std::string& run_dir);

// Compares every file with its digest; the error names the file that changed.
absl::Status VerifyCheckpoint(const std::string& folder);

// The newest checkpoint of the run, older than `folder`, that VerifyCheckpoint finds whole; an
// empty text where there is none.
absl::StatusOr<std::string> IntactCheckpointBefore(const std::string& run_dir,
                                                   const std::string& folder);

// state.json of a checkpoint.
absl::StatusOr<nlohmann::ordered_json> ReadCheckpointState(const std::string& folder);

}  // namespace grpo
