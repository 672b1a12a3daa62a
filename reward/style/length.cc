#include "reward/style/length.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace grpo {
namespace {

class Length : public Reward {
 public:
  explicit Length(const LengthOptions& options)
      : penalty_(options.penalty), free_tokens_(options.free_tokens) {}

  absl::string_view name() const override { return "length"; }

  RewardResult Score(const RewardRequest& request, const Deadline&) const override {
    const double over = request.num_tokens - free_tokens_;
    const double room = request.max_tokens - free_tokens_;
    const double share = room > 0 ? std::clamp(over / room, 0.0, 1.0) : 0.0;
    return RewardResult::Scored(share == 0 ? 0 : -penalty_ * share,
                                absl::StrCat(request.num_tokens, " tokens of ", request.max_tokens,
                                             ", ", free_tokens_, " of them free"));
  }

 private:
  const double penalty_, free_tokens_;
};

}  // namespace

std::unique_ptr<Reward> NewLength(const LengthOptions& options) {
  return std::make_unique<Length>(options);
}

}  // namespace grpo
