#include <utility>

#include <nlohmann/json.hpp>

#include "reward/checkers.h"

namespace grpo {
namespace {

bool IsCountdownGame(const std::string& metadata_json) {
  const auto metadata = nlohmann::json::parse(metadata_json, nullptr, /*allow_exceptions=*/false);
  return metadata.is_object() && metadata.contains("numbers") && metadata.contains("target");
}

class TaskAnswer : public Reward {
 public:
  explicit TaskAnswer(const RewardSpec& spec)
      : final_answer_(NewFinalAnswer(spec)), countdown_(NewCountdown(spec)) {}

  absl::string_view name() const override { return "task_answer"; }

  RewardResult Score(const RewardRequest& request, const Deadline& deadline) const override {
    const bool countdown = IsCountdownGame(request.prompt.metadata_json);
    return (countdown ? countdown_ : final_answer_)->Score(request, deadline);
  }

 private:
  const std::unique_ptr<Reward> final_answer_, countdown_;
};

}  // namespace

std::unique_ptr<Reward> NewTaskAnswer(const RewardSpec& spec) {
  return std::make_unique<TaskAnswer>(spec);
}

}  // namespace grpo
