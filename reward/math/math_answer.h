// The checker for answers to mathematical questions.
#pragma once

#include <memory>
#include <string>

#include "data/config_fields.h"
#include "reward/math/equivalence.h"
#include "reward/math/extract.h"
#include "reward/reward.h"

namespace grpo {

struct MathAnswerOptions {
  // Where the answer stands: "completion" (the last box, else <answer>, ####, "the answer is", the
  // last mathematics or number), "boxed", "answer_tag", or "none": the completion is the answer.
  std::string extract = "completion";
  MathPolicy policy;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("extract", extract, OneOf{{"completion", "boxed", "answer_tag", "none"}},
          "where the answer stands: completion (anywhere), boxed, answer_tag, none (all of it)");
    policy.VisitFields(visit);
  }
};

// The answer and the truth as they are compared, and the verdict. `truth` may be an answer or a
// reference solution.
struct MathJudgement {
  MathComparison comparison;
  std::string answer;  // as extracted, shortened; empty where there is none
  const char* source = "";
};
MathJudgement JudgeMathAnswer(const ParsedAnswer& truth, absl::string_view truth_text,
                              absl::string_view completion, const MathAnswerOptions& options);

// Reads a ground truth: an answer, or the answer of a reference solution.
ParsedAnswer ParseTruth(absl::string_view truth);

// 1 where the completion's answer equals Prompt::answer (see CompareAnswers), else 0, also where
// it is undecided, unreadable or missing. Invalid where Prompt::answer cannot be read. Ground
// truths are read once and kept for later calls.
std::unique_ptr<Reward> NewMathAnswer(const MathAnswerOptions& options);

}  // namespace grpo
