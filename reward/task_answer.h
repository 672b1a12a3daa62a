// The checker of the generated task families (data/task.h).
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "data/config_fields.h"
#include "reward/reward.h"

namespace grpo {

struct TaskAnswerOptions {
  std::string answer_tag = "answer";

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("answer_tag", answer_tag, NotEmpty(), "the tag that holds the answer");
  }
};

// NewCountdown where the prompt's metadata has "numbers" and "target", else NewFinalAnswer.
absl::StatusOr<std::unique_ptr<Reward>> NewTaskAnswer(const TaskAnswerOptions& options);

}  // namespace grpo
