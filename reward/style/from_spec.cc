// The style checkers by a recipe's [[reward]] entry, whose fields are those of all checkers.

#include "reward/checkers.h"
#include "reward/style/format.h"
#include "reward/style/length.h"
#include "reward/style/repetition.h"

namespace grpo {

std::unique_ptr<Reward> NewFormat(const RewardSpec& spec) {
  FormatOptions options;
  options.answer_tag = spec.answer_tag;
  return NewFormat(options);
}

std::unique_ptr<Reward> NewLength(const RewardSpec& spec) {
  LengthOptions options;
  options.penalty = spec.penalty;
  options.free_tokens = spec.free_tokens;
  return NewLength(options);
}

std::unique_ptr<Reward> NewRepetition(const RewardSpec& spec) {
  RepetitionOptions options;
  options.penalty = spec.penalty;
  options.ngram = spec.ngram;
  return NewRepetition(options);
}

}  // namespace grpo
