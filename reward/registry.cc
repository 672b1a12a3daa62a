#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "data/status_macros.h"
#include "reward/checkers.h"
#include "reward/scorer.h"
#include "reward/tagged_text.h"

namespace grpo {
namespace {

struct Entry {
  const char* name;
  std::vector<std::string>
      options;  // the keys of RewardSpec that it reads, besides name and weight
  std::unique_ptr<Reward> (*create)(const RewardSpec&);
};

const std::vector<Entry>& Entries() {
  static const auto* const entries = new std::vector<Entry>{
      {"final_answer", {"answer_tag", "tolerance"}, NewFinalAnswer},
      {"task_answer", {"answer_tag"}, NewTaskAnswer},
      {"countdown", {"answer_tag"}, NewCountdown},
      {"format", {"answer_tag"}, NewFormat},
      {"length", {"penalty", "free_tokens"}, NewLength},
      {"repetition", {"penalty", "ngram"}, NewRepetition},
  };
  return *entries;
}

// Keys of options that differ from their defaults.
std::vector<std::string> ChangedOptions(const RewardSpec& spec) {
  const RewardSpec defaults;
  std::vector<std::string> changed;
  if (spec.answer_tag != defaults.answer_tag) changed.push_back("answer_tag");
  if (spec.tolerance != defaults.tolerance) changed.push_back("tolerance");
  if (spec.penalty != defaults.penalty) changed.push_back("penalty");
  if (spec.free_tokens != defaults.free_tokens) changed.push_back("free_tokens");
  if (spec.ngram != defaults.ngram) changed.push_back("ngram");
  return changed;
}

absl::Status CheckOptions(const RewardSpec& spec, const Entry& entry) {
  for (const std::string& key : ChangedOptions(spec)) {
    if (std::find(entry.options.begin(), entry.options.end(), key) != entry.options.end()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("reward \"", spec.name, "\" does not read the option ", key,
                     "; remove it (it reads ", absl::StrJoin(entry.options, ", "), ")"));
  }
  if (!IsTagName(spec.answer_tag) || spec.answer_tag == "think") {
    return absl::InvalidArgumentError(absl::StrCat(
        "reward \"", spec.name,
        "\": answer_tag is written without brackets, begins with a letter, has letters, "
        "digits, '_' and '-', and is not \"think\"; found \"",
        spec.answer_tag, "\""));
  }
  if (!std::isfinite(spec.weight) || !(spec.tolerance >= 0 && spec.tolerance <= 1) ||
      !(spec.penalty >= 0 && std::isfinite(spec.penalty)) || spec.free_tokens < 0 ||
      spec.ngram < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "reward \"", spec.name, "\": expected a finite weight, tolerance 0 to 1, penalty >= 0, ",
        "free_tokens >= 0 and ngram >= 1; found weight ", spec.weight, ", tolerance ",
        spec.tolerance, ", penalty ", spec.penalty, ", free_tokens ", spec.free_tokens, ", ngram ",
        spec.ngram));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> RewardNames() {
  std::vector<std::string> names;
  for (const Entry& entry : Entries()) names.push_back(entry.name);
  return names;
}

absl::StatusOr<std::unique_ptr<Reward>> MakeReward(const RewardSpec& spec) {
  for (const Entry& entry : Entries()) {
    if (entry.name != spec.name) continue;
    RETURN_IF_ERROR(CheckOptions(spec, entry));
    return entry.create(spec);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown reward \"", spec.name, "\"; the rewards are ", absl::StrJoin(RewardNames(), ", ")));
}

}  // namespace grpo
