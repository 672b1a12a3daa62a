// Whether a completion keeps to one language: the remedy for reasoning that drifts between
// languages (DeepSeek-R1, arXiv 2501.12948, section 2.3.2), by scripts and frequent words.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "data/config_fields.h"
#include "reward/reward.h"

namespace grpo {

struct LanguageOptions {
  std::string language = "";  // code or English name; "": the task's own
  double threshold = 0;       // 0: the share is the score; else 1 from this share on, 0 below
  int min_letters = 1;        // fewer letters of prose score 0

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("language", language, NoConstraint(),
          "wanted language (\"de\", \"German\"); empty: the metadata's \"language\", else the "
          "prompt's");
    visit("threshold", threshold, Range(0, 1),
          "0: the score is the share; else 1 from this share on and 0 below");
    visit("min_letters", min_letters, AtLeast(1), "fewer letters outside code score 0");
  }
};

// The share of the completion's letters that are in the wanted language: letters of its script, in
// lines that do not speak plainly for another language of that script. Code, formulas, addresses
// and tags are left out (see ProseOf). 0 where no letters remain: nothing said is not consistent.
// Parts: "share", "letters". Invalid where the wanted language is not known or the prompt has none.
// An error where the option names an unknown language.
absl::StatusOr<std::unique_ptr<Reward>> NewLanguage(const LanguageOptions& options);

}  // namespace grpo
