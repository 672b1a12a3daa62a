#include "rl/loss_command.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "data/json.h"
#include "data/status_macros.h"
#include "policy/policy_folder.h"
#include "rl/batch_builder.h"
#include "rl/learner.h"
#include "rl/objective.h"
#include "rl/recipe.h"
#include "rl/token_ids.h"

namespace grpo {
namespace {

constexpr char kOrigin[] = "standard input";

// One line of the input.
struct LossRecord {
  TrainingSample sample;
  absl::optional<double> reward;
  std::vector<float> reference_logprobs;
};

class RecordParser {
 public:
  RecordParser(const nlohmann::json& json, int64_t line, int vocabulary)
      : json_(json), line_(line), vocabulary_(vocabulary) {}

  absl::StatusOr<LossRecord> Parse() const {
    LossRecord record;
    TrainingSample& sample = record.sample;
    if (!json_.is_object()) return Fail("expected an object");
    ASSIGN_OR_RETURN(sample.tokens, Tokens("prompt"));
    ASSIGN_OR_RETURN(const std::vector<int32_t> completion, Tokens("completion"));
    sample.prompt_length = static_cast<int>(sample.tokens.size());
    if (sample.tokens.empty() || completion.empty()) {
      return Fail("\"prompt\" and \"completion\" need a token each");
    }
    sample.tokens.insert(sample.tokens.end(), completion.begin(), completion.end());
    if (!json_.contains("group") || !json_["group"].is_number_integer()) {
      return Fail("\"group\" must be an integer");
    }
    sample.group = json_["group"].get<int64_t>();
    if (json_.contains("reward") == json_.contains("advantage")) {
      return Fail("expected either \"reward\" or \"advantage\"");
    }
    ASSIGN_OR_RETURN(const double value, Number(json_.contains("reward") ? "reward" : "advantage"));
    if (json_.contains("reward")) {
      record.reward = value;
    } else {
      sample.advantage = {value};
    }
    ASSIGN_OR_RETURN(sample.behavior_logprobs, Numbers("behavior_logprobs", completion.size()));
    ASSIGN_OR_RETURN(record.reference_logprobs, Numbers("reference_logprobs", completion.size()));
    return record;
  }

 private:
  template <typename... Parts>
  absl::Status Fail(const Parts&... message) const {
    return absl::InvalidArgumentError(absl::StrCat(kOrigin, ":", line_, ": ", message...));
  }

  absl::StatusOr<std::vector<int32_t>> Tokens(const char* key) const {
    if (!json_.contains(key) || !json_[key].is_array()) {
      return Fail("\"", key, "\" must be a list of token ids");
    }
    auto tokens = TokenIdsFromJson(json_[key], vocabulary_);
    if (!tokens.ok()) return Fail("\"", key, "\": ", tokens.status().message());
    return tokens;
  }

  absl::StatusOr<double> Number(const char* key) const {
    if (!json_[key].is_number() || !std::isfinite(json_[key].get<double>())) {
      return Fail("\"", key, "\" must be a finite number, found ", json_[key].dump());
    }
    return json_[key].get<double>();
  }

  // Empty where the record has none.
  absl::StatusOr<std::vector<float>> Numbers(const char* key, size_t count) const {
    std::vector<float> numbers;
    if (!json_.contains(key)) return numbers;
    if (!json_[key].is_array() || json_[key].size() != count) {
      return Fail("\"", key, "\" must be a list of ", count, " numbers, one a completion token");
    }
    for (const nlohmann::json& number : json_[key]) {
      if (!number.is_number()) return Fail("\"", key, "\": ", number.dump(), " is no number");
      numbers.push_back(number.get<float>());
    }
    return numbers;
  }

  const nlohmann::json& json_;
  int64_t line_;
  int vocabulary_;
};

// All lines; what one of them has of rewards and log-probs, all have.
absl::StatusOr<std::vector<LossRecord>> ReadRecords(const PolicyConfig& config, std::istream& in) {
  std::vector<LossRecord> records;
  std::string text;
  for (int64_t line = 1; std::getline(in, text); ++line) {
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    ASSIGN_OR_RETURN(const nlohmann::json json, ParseJson(text, {kOrigin, line}));
    ASSIGN_OR_RETURN(LossRecord record, RecordParser(json, line, config.vocab_size).Parse());
    const auto fail = [&](const auto&... message) {
      return absl::InvalidArgumentError(absl::StrCat(kOrigin, ":", line, ": ", message...));
    };
    if (static_cast<int>(record.sample.tokens.size()) > config.max_position_embeddings) {
      return fail(record.sample.tokens.size(), " tokens exceed the policy's context of ",
                  config.max_position_embeddings);
    }
    if (!records.empty()) {
      const LossRecord& first = records.front();
      const auto alike = [](const auto& a, const auto& b) { return a.empty() == b.empty(); };
      if (record.reward.has_value() != first.reward.has_value() ||
          !alike(record.sample.behavior_logprobs, first.sample.behavior_logprobs) ||
          !alike(record.reference_logprobs, first.reference_logprobs)) {
        return fail("has other keys than the first line");
      }
    }
    records.push_back(std::move(record));
  }
  if (records.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(kOrigin, ": expected a completion a line"));
  }
  return records;
}

StepSamples ToSamples(std::vector<LossRecord> records) {
  StepSamples step;
  for (LossRecord& record : records) {
    TrainingSample& sample = record.sample;
    if (step.samples.empty() || step.samples.back().group != sample.group) {
      step.outcomes.emplace_back();
    }
    Outcome outcome;
    outcome.reward = record.reward.value_or(0);
    outcome.num_tokens = sample.NumLearned();
    step.outcomes.back().push_back(std::move(outcome));
    if (!record.reference_logprobs.empty()) {
      step.reference_logprobs.push_back(std::move(record.reference_logprobs));
    }
    step.samples.push_back(std::move(sample));
  }
  return step;
}

}  // namespace

absl::Status RunLoss(const LossOptions& options, std::istream& in, std::ostream& out) {
  ASSIGN_OR_RETURN(const auto checkpoint, CheckpointReader::Open(options.policy));
  ASSIGN_OR_RETURN(Weights weights, LoadWeights(*checkpoint, MatrixStorage::kFloat));
  GrpoConfig config;
  config.objective = options.objective;
  config.off_policy = options.off_policy;
  config.sampling.temperature = options.temperature;
  config.sampling.max_new_tokens = options.max_new_tokens;
  ASSIGN_OR_RETURN(std::vector<LossRecord> records, ReadRecords(weights.config, in));
  const bool rewarded = records.front().reward.has_value();
  StepSamples step = ToSamples(std::move(records));
  if (config.objective.kl_coef > 0 && step.reference_logprobs.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(kOrigin, ": kl_coef is not 0, so lines need \"reference_logprobs\""));
  }
  Learner learner(weights,
                  {.threads = options.threads, .micro_batch_tokens = options.micro_batch_tokens});
  ASSIGN_OR_RETURN(TokenStatistics own,
                   SampleStatistics(weights, step.samples, options.temperature, learner.config()));
  for (size_t i = 0; i < step.samples.size(); ++i) {
    std::vector<float>& behavior = step.samples[i].behavior_logprobs;
    if (behavior.empty()) behavior = own.logprobs[i];
  }
  if (config.off_policy.recompute_old) step.old_logprobs = std::move(own.logprobs);
  step.entropies = std::move(own.entropies);
  if (rewarded) SetAdvantages(config, &step);
  const PolicyObjectiveConfig objective = {config.objective, config.off_policy,
                                           config.objective.entropy_coef};
  const StepBatch batch = std::move(SplitIntoBatches(config, std::move(step)).front());
  ObjectiveSums sums;
  const std::vector<at::Tensor> gradients = learner.Gradients(
      batch,
      [&](const MicroBatch& micro, const PolicyOutputs& policy, ObjectiveSums* micro_sums) {
        return PolicyObjective(objective, micro, policy, micro_sums);
      },
      &sums);
  double squares = 0;
  for (const at::Tensor& gradient : gradients) {
    squares += gradient.to(at::kDouble).square().sum().item<double>();
  }
  const double tokens = static_cast<double>(sums.tokens);
  const nlohmann::ordered_json record = {{"loss", sums.loss},
                                         {"grad_norm", std::sqrt(squares)},
                                         {"completions", batch.samples.size()},
                                         {"tokens", sums.tokens},
                                         {"entropy", sums.entropy / tokens},
                                         {"kl", sums.kl / tokens},
                                         {"ratio_mean", sums.ratio / tokens},
                                         {"clipped_low", sums.clipped_low},
                                         {"clipped_high", sums.clipped_high},
                                         {"correction_mean", sums.correction / tokens}};
  out << record.dump() << std::endl;
  return absl::OkStatus();
}

}  // namespace grpo
