// Phrases that a completion must have and phrases that it must not have.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/config_fields.h"
#include "reward/reward.h"

namespace grpo {

struct PhrasesOptions {
  std::vector<std::string> required = {};   // all of them
  std::vector<std::string> forbidden = {};  // none of them
  bool match_case = false;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("required", required, NoConstraint(), "phrases that must occur, besides the task's own");
    visit("forbidden", forbidden, NoConstraint(),
          "phrases that must not occur, besides the task's own");
    visit("match_case", match_case, NoConstraint(), "whether upper and lower case differ");
  }
};

// 1 where every required phrase occurs and no forbidden one, else 0; also 0 for a blank completion,
// which would keep every ban. The options' phrases and those of the metadata's
// {"required_phrases": […], "forbidden_phrases": […]} count together. A phrase is found as whole
// words, see FoldForPhrases and CountPhrase. Parts: "required" (share that occurs), "forbidden"
// (occurrences). Invalid where there is no phrase at all or one is blank.
std::unique_ptr<Reward> NewPhrases(const PhrasesOptions& options);

}  // namespace grpo
