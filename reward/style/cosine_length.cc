#include "reward/style/cosine_length.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace grpo {
namespace {

constexpr double kPi = 3.14159265358979323846;

class CosineLengthReward : public Reward {
 public:
  CosineLengthReward(const CosineLengthOptions& options, std::unique_ptr<Reward> correctness)
      : options_(options), correctness_(std::move(correctness)) {}

  absl::string_view name() const override { return "cosine_length"; }

  RewardResult Score(const RewardRequest& request, const Deadline& deadline) const override {
    if (request.max_tokens <= 0) {
      return RewardResult::Invalid("cosine_length needs a token budget (max_tokens) above 0");
    }
    const RewardResult inner = correctness_->Score(request, deadline);
    if (inner.state != RewardState::kScored) return inner;
    const bool correct = inner.score >= 1;
    RewardResult result = RewardResult::Scored(
        Value(request, correct), absl::StrCat(correct ? "right" : "wrong", ", ", request.num_tokens,
                                              " tokens of ", request.max_tokens));
    result.parts = {{"correct", correct ? 1.0 : 0.0}};
    return result;
  }

  absl::Duration LongestCall() const override { return correctness_->LongestCall(); }

 private:
  double Value(const RewardRequest& request, bool correct) const {
    const bool cut_off = request.finish == FinishReason::kLength;
    if (cut_off || request.num_tokens >= request.max_tokens) return options_.exceeded;
    return CosineLength(correct ? options_.correct_short : options_.wrong_short,
                        correct ? options_.correct_long : options_.wrong_long, request.num_tokens,
                        request.max_tokens);
  }

  const CosineLengthOptions options_;
  const std::unique_ptr<Reward> correctness_;
};

}  // namespace

double CosineLength(double at_zero, double at_budget, int num_tokens, int max_tokens) {
  const double share = std::clamp(static_cast<double>(num_tokens) / max_tokens, 0.0, 1.0);
  return at_budget + (at_zero - at_budget) * (1 + std::cos(kPi * share)) / 2;
}

std::unique_ptr<Reward> NewCosineLength(const CosineLengthOptions& options,
                                        std::unique_ptr<Reward> correctness) {
  return std::make_unique<CosineLengthReward>(options, std::move(correctness));
}

}  // namespace grpo
