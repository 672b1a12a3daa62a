#include "reward/style/repetition.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "data/utf8.h"
#include "reward/style/characters.h"

namespace grpo {
namespace {

// Equal words have equal numbers, so that comparing two windows costs no more than their length.
std::vector<uint32_t> NumberWords(absl::string_view text) {
  absl::flat_hash_map<absl::string_view, uint32_t> numbers;
  std::vector<uint32_t> units;
  for (const absl::string_view word :
       absl::StrSplit(text, absl::ByAnyChar(" \t\n\v\f\r"), absl::SkipEmpty())) {
    units.push_back(numbers.try_emplace(word, numbers.size()).first->second);
  }
  return units;
}

std::vector<uint32_t> NumberCharacters(absl::string_view text) {
  std::vector<uint32_t> units;
  ForEachCharacter(ReplaceInvalidUtf8(text), [&](char32_t character, size_t, size_t) {
    if (!IsSpace(character)) units.push_back(character);
  });
  return units;
}

// How many different windows of `length` the units have; at least `length` units.
size_t CountDistinct(const std::vector<uint32_t>& units, size_t length) {
  std::vector<size_t> starts(units.size() - length + 1);
  std::iota(starts.begin(), starts.end(), size_t{0});
  const auto compare = [&](size_t a, size_t b) {
    return std::lexicographical_compare(&units[a], &units[a] + length, &units[b],
                                        &units[b] + length);
  };
  std::sort(starts.begin(), starts.end(), compare);
  const auto end = std::unique(starts.begin(), starts.end(), [&](size_t a, size_t b) {
    return std::equal(&units[a], &units[a] + length, &units[b]);
  });
  return end - starts.begin();
}

class Repetition : public Reward {
 public:
  explicit Repetition(const RepetitionOptions& options)
      : penalty_(options.penalty),
        ngram_(options.ngram),
        by_characters_(options.unit == "characters") {}

  absl::string_view name() const override { return "repetition"; }

  RewardResult Score(const RewardRequest& request, const Deadline&) const override {
    const std::vector<uint32_t> units =
        by_characters_ ? NumberCharacters(request.completion) : NumberWords(request.completion);
    if (units.size() < ngram_) return RewardResult::Scored(0, "too short to repeat itself");
    const size_t total = units.size() - ngram_ + 1, distinct = CountDistinct(units, ngram_);
    const double repeated = static_cast<double>(total - distinct) / static_cast<double>(total);
    return RewardResult::Scored(
        total == distinct ? 0 : -penalty_ * repeated,
        absl::StrCat(total - distinct, " of ", total, " ", ngram_, "-grams are repetitions"));
  }

 private:
  const double penalty_;
  const size_t ngram_;
  const bool by_characters_;
};

}  // namespace

std::unique_ptr<Reward> NewRepetition(const RepetitionOptions& options) {
  return std::make_unique<Repetition>(options);
}

}  // namespace grpo
