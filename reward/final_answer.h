// The answer inside a tag, compared with the ground truth.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "data/config_fields.h"
#include "reward/reward.h"

namespace grpo {

struct FinalAnswerOptions {
  std::string answer_tag = "answer";
  double tolerance = 0;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("answer_tag", answer_tag, NotEmpty(), "the tag that holds the answer");
    visit("tolerance", tolerance, Range(0, 1), "relative tolerance of numbers; 0 is exact");
  }
};

// 1 where the text inside the last <answer>…</answer> says the same as Prompt::answer (see
// AnswersEqual), else 0, also without the tag or with more than kMaxAnswerBytes inside. Invalid
// where Prompt::answer is empty or longer than that. An error where the tag's name cannot be one.
absl::StatusOr<std::unique_ptr<Reward>> NewFinalAnswer(const FinalAnswerOptions& options);

}  // namespace grpo
