#include "rollout/sampling.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace grpo {

absl::Status CheckVocabulary(const SamplingConfig& config, int vocabulary_size) {
  absl::flat_hash_set<int> seen;
  for (const LogitBias& entry : config.logit_bias) {
    if (entry.token < 0 || entry.token >= vocabulary_size) {
      return absl::InvalidArgumentError(absl::StrCat("logit_bias: token ", entry.token,
                                                     " is not in the policy's vocabulary of ",
                                                     vocabulary_size, " tokens"));
    }
    if (!seen.insert(entry.token).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("logit_bias: token ", entry.token, " stands twice; keep one entry"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckForTraining(const SamplingConfig& config) {
  constexpr char kWhy[] =
      " draws from another distribution than the policy's, and the learner would take its ratios "
      "against the wrong one; ";
  if (config.repetition_penalty != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("repetition_penalty = ", config.repetition_penalty, kWhy,
                     "set it to 1 to train (it is for `sample` and [eval.sampling])"));
  }
  if (!config.logit_bias.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "logit_bias", kWhy, "drop its entries to train (it is for `sample` and [eval.sampling])"));
  }
  return absl::OkStatus();
}

}  // namespace grpo
