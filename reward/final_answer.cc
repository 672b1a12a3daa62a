#include "reward/final_answer.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "data/status_macros.h"
#include "reward/answer_equality.h"
#include "reward/tagged_text.h"

namespace grpo {
namespace {

// For reasons shown to a person.
std::string Shortened(absl::string_view text) {
  constexpr size_t kLongest = 80;
  text = absl::StripAsciiWhitespace(text);
  return text.size() <= kLongest ? std::string(text) : absl::StrCat(text.substr(0, kLongest), "…");
}

class FinalAnswer : public Reward {
 public:
  explicit FinalAnswer(const FinalAnswerOptions& options)
      : answer_tag_(options.answer_tag), tolerance_(options.tolerance) {}

  absl::string_view name() const override { return "final_answer"; }

  RewardResult Score(const RewardRequest& request, const Deadline&) const override {
    const absl::string_view truth = request.prompt.answer;
    if (absl::StripAsciiWhitespace(truth).empty()) {
      return RewardResult::Invalid(
          absl::StrCat("prompt ", request.prompt.name, " has no ground truth to compare with"));
    }
    if (truth.size() > kMaxAnswerBytes) {
      return RewardResult::Invalid(absl::StrCat("the ground truth of prompt ", request.prompt.name,
                                                " has ", truth.size(), " bytes, at most ",
                                                kMaxAnswerBytes, " are compared"));
    }
    const auto answer = LastTagged(request.completion, answer_tag_);
    if (!answer.has_value()) {
      return RewardResult::Scored(0, absl::StrCat("no <", answer_tag_, "> tag"));
    }
    if (answer->size() > kMaxAnswerBytes) {
      return RewardResult::Scored(0, absl::StrCat("answer of ", answer->size(), " bytes"));
    }
    const bool equal = AnswersEqual(*answer, truth, tolerance_);
    return RewardResult::ScoredAnswer(
        equal ? 1 : 0,
        absl::StrCat("answer ", Shortened(*answer), equal ? " equals " : " is not ",
                     Shortened(truth)),
        std::string(absl::StripAsciiWhitespace(*answer)));
  }

 private:
  const std::string answer_tag_;
  const double tolerance_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Reward>> NewFinalAnswer(const FinalAnswerOptions& options) {
  RETURN_IF_ERROR(CheckAnswerTag(options.answer_tag));
  return std::make_unique<FinalAnswer>(options);
}

}  // namespace grpo
