// Whether a completion is a thought and an answer.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "data/config_fields.h"
#include "reward/reward.h"

namespace grpo {

struct FormatOptions {
  std::string answer_tag = "answer";

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("answer_tag", answer_tag, NotEmpty(), "the tag that holds the answer");
  }
};

// 1 where the completion is <think>…</think><answer>…</answer>, both not blank, each of the four
// tags once, and nothing but white space before, between and after; else 0. An error where the
// tag's name cannot be one.
absl::StatusOr<std::unique_ptr<Reward>> NewFormat(const FormatOptions& options);

}  // namespace grpo
