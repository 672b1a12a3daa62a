// Whether a completion thinks first and then answers, and does nothing else.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "data/config_fields.h"
#include "reward/reward.h"

namespace grpo {

struct FormatOptions {
  std::string answer_tag = "answer";  // IsTagName, not "think"
  std::string answer = "tag";

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("answer_tag", answer_tag, NotEmpty(), "the tag that holds the answer");
    visit("answer", answer, OneOf{{"tag", "text"}},
          "tag: <answer>…</answer> follows the thought; text: plain text follows it");
  }
};

// 1 where the completion is <think>…</think><answer>…</answer>, both not blank, each of the four
// tags once, and nothing but white space before, between and after; with `answer = "text"`
// <think>…</think> and text that is not blank, the two think tags once and the answer's not at all.
// Else 0. An error where the tag's name cannot be one.
absl::StatusOr<std::unique_ptr<Reward>> NewFormat(const FormatOptions& options);

}  // namespace grpo
