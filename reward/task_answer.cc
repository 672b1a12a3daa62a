#include "reward/task_answer.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "data/status_macros.h"
#include "reward/countdown.h"
#include "reward/final_answer.h"

namespace grpo {
namespace {

bool IsCountdownGame(const std::string& metadata_json) {
  const auto metadata = nlohmann::json::parse(metadata_json, nullptr, /*allow_exceptions=*/false);
  return metadata.is_object() && metadata.contains("numbers") && metadata.contains("target");
}

class TaskAnswer : public Reward {
 public:
  TaskAnswer(std::unique_ptr<Reward> final_answer, std::unique_ptr<Reward> countdown)
      : final_answer_(std::move(final_answer)), countdown_(std::move(countdown)) {}

  absl::string_view name() const override { return "task_answer"; }

  RewardResult Score(const RewardRequest& request, const Deadline& deadline) const override {
    const bool countdown = IsCountdownGame(request.prompt.metadata_json);
    return (countdown ? countdown_ : final_answer_)->Score(request, deadline);
  }

 private:
  const std::unique_ptr<Reward> final_answer_, countdown_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Reward>> NewTaskAnswer(const TaskAnswerOptions& options) {
  FinalAnswerOptions final_answer_options;
  final_answer_options.answer_tag = options.answer_tag;
  ASSIGN_OR_RETURN(std::unique_ptr<Reward> final_answer, NewFinalAnswer(final_answer_options));
  ASSIGN_OR_RETURN(std::unique_ptr<Reward> countdown, NewCountdown({options.answer_tag}));
  return std::make_unique<TaskAnswer>(std::move(final_answer), std::move(countdown));
}

}  // namespace grpo
