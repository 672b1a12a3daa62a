#include "reward/repetition.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace grpo {
namespace {

// How many different windows of `length` the words have; at least `length` words.
size_t CountDistinct(const std::vector<absl::string_view>& words, size_t length) {
  std::vector<size_t> starts(words.size() - length + 1);
  std::iota(starts.begin(), starts.end(), size_t{0});
  const auto compare = [&](size_t a, size_t b) {
    return std::lexicographical_compare(&words[a], &words[a] + length, &words[b],
                                        &words[b] + length);
  };
  std::sort(starts.begin(), starts.end(), compare);
  const auto end = std::unique(starts.begin(), starts.end(), [&](size_t a, size_t b) {
    return std::equal(&words[a], &words[a] + length, &words[b]);
  });
  return end - starts.begin();
}

class Repetition : public Reward {
 public:
  explicit Repetition(const RepetitionOptions& options)
      : penalty_(options.penalty), ngram_(options.ngram) {}

  absl::string_view name() const override { return "repetition"; }

  RewardResult Score(const RewardRequest& request, const Deadline&) const override {
    const std::vector<absl::string_view> words =
        absl::StrSplit(request.completion, absl::ByAnyChar(" \t\n\v\f\r"), absl::SkipEmpty());
    if (words.size() < ngram_) return RewardResult::Scored(0, "too short to repeat itself");
    const size_t total = words.size() - ngram_ + 1, distinct = CountDistinct(words, ngram_);
    const double repeated = static_cast<double>(total - distinct) / static_cast<double>(total);
    return RewardResult::Scored(
        total == distinct ? 0 : -penalty_ * repeated,
        absl::StrCat(total - distinct, " of ", total, " ", ngram_, "-grams are repetitions"));
  }

 private:
  const double penalty_;
  const size_t ngram_;
};

}  // namespace

std::unique_ptr<Reward> NewRepetition(const RepetitionOptions& options) {
  return std::make_unique<Repetition>(options);
}

}  // namespace grpo
