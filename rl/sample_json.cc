#include "rl/sample_json.h"

#include <algorithm>

namespace grpo {
namespace {

const char* StateName(RewardState state) {
  switch (state) {
    case RewardState::kScored:
      return "scored";
    case RewardState::kInvalid:
      return "invalid";
    case RewardState::kError:
      return "error";
    case RewardState::kNotApplicable:
      return "not applicable";
  }
  return "";
}

nlohmann::ordered_json SampleRecord(const RolloutGroup& group, const Rollout& rollout,
                                    const Score& score) {
  nlohmann::ordered_json record;
  record["prompt_id"] = group.prompt.id;
  record["name"] = group.prompt.name;
  record["family"] = group.prompt.family;
  record["sample"] = rollout.sample_index;
  record["prompt"] = group.prompt.text;
  record["answer"] = group.prompt.answer;
  record["completion"] = rollout.text;
  record["tokens"] = rollout.tokens.size();
  record["finish"] = rollout.finish == FinishReason::kStop ? "stop" : "length";
  record["policy_version"] = rollout.policy_version;
  record["state"] = StateName(score.state);
  record["reward"] = score.reward;
  record["correct"] = score.correct;
  nlohmann::ordered_json reasons = nlohmann::ordered_json::array();
  std::string given;
  for (const RewardResult& result : score.results) {
    reasons.push_back(result.reason);
    if (given.empty()) given = result.answer;
  }
  record["given"] = given;
  record["reasons"] = reasons;
  return record;
}

}  // namespace

std::vector<nlohmann::ordered_json> SampleRecords(const std::vector<ScoredGroup>& groups,
                                                  size_t max_groups) {
  std::vector<nlohmann::ordered_json> records;
  for (size_t g = 0; g < std::min(max_groups, groups.size()); ++g) {
    for (size_t i = 0; i < groups[g].scores.size(); ++i) {
      records.push_back(
          SampleRecord(groups[g].group, groups[g].group.rollouts[i], groups[g].scores[i]));
    }
  }
  return records;
}

nlohmann::ordered_json TrainingSampleRecord(const TrainingSample& sample) {
  const auto completion = sample.tokens.begin() + sample.prompt_length;
  nlohmann::ordered_json record;
  record["group"] = sample.group;
  record["sample"] = sample.index;
  record["prompt"] = std::vector<int32_t>(sample.tokens.begin(), completion);
  record["completion"] = std::vector<int32_t>(completion, sample.tokens.end());
  if (sample.advantage.size() == 1) record["advantage"] = sample.advantage[0];
  record["behavior_logprobs"] = sample.behavior_logprobs;
  return record;
}

}  // namespace grpo
