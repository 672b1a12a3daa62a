// The countdown game: an expression of given numbers with a given value.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "data/config_fields.h"
#include "reward/reward.h"

namespace grpo {

struct CountdownOptions {
  std::string answer_tag = "answer";

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("answer_tag", answer_tag, NotEmpty(), "the tag that holds the answer");
  }
};

// 1 where the text inside the last <answer>…</answer> is an expression of + - * / (also × · ÷ −)
// and parentheses that uses each number of Prompt::metadata_json's {"numbers": […], "target": n}
// exactly once and has exactly the target's value over the rationals, else 0. No sign before a
// number, nothing but the expression. Invalid where the metadata lacks the numbers (1 to 64
// integers >= 0) or the target (an integer). An error where the tag's name cannot be one.
absl::StatusOr<std::unique_ptr<Reward>> NewCountdown(const CountdownOptions& options);

}  // namespace grpo
