#include "reward/style/language.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "data/json.h"
#include "data/status_macros.h"
#include "data/utf8.h"
#include "reward/metadata.h"
#include "reward/style/language_detector.h"
#include "reward/style/prose.h"

namespace grpo {
namespace {

absl::StatusOr<const LanguageProfile*> KnownLanguage(const std::string& name) {
  const LanguageProfile* const language = FindLanguage(name);
  if (language != nullptr) return language;
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown language \"", QuoteForMessage(name), "\"; known are ",
      absl::StrJoin(LanguageProfiles(), ", ", [](std::string* out, const LanguageProfile& known) {
        absl::StrAppend(out, known.code);
      })));
}

struct LetterCounts {
  size_t wanted = 0, all = 0;
};

LetterCounts CountWanted(absl::string_view prose, const LanguageProfile& language) {
  LetterCounts counts;
  for (const absl::string_view line : absl::StrSplit(prose, '\n')) {
    const ScriptHistogram letters(line);
    if (letters.total() == 0) continue;
    counts.all += letters.total();
    if (!ContradictsLanguage(line, language)) counts.wanted += LettersOf(language, letters);
  }
  return counts;
}

class Language : public Reward {
 public:
  Language(const LanguageOptions& options, const LanguageProfile* language)
      : options_(options), language_(language) {}

  absl::string_view name() const override { return "language"; }

  RewardResult Score(const RewardRequest& request, const Deadline&) const override {
    const auto wanted = Wanted(request.prompt);
    if (!wanted.ok()) return RewardResult::Invalid(std::string(wanted.status().message()));
    const LetterCounts counts =
        CountWanted(ProseOf(ReplaceInvalidUtf8(request.completion)), **wanted);
    return Judge(counts, **wanted);
  }

 private:
  absl::StatusOr<const LanguageProfile*> Wanted(const Prompt& prompt) const {
    if (language_ != nullptr) return language_;
    ASSIGN_OR_RETURN(const nlohmann::json metadata, ParseMetadata(prompt));
    const auto field = metadata.find("language");
    if (field != metadata.end()) {
      if (field->is_string()) return KnownLanguage(field->get<std::string>());
      return absl::InvalidArgumentError(absl::StrCat("the metadata's \"language\" is ",
                                                     JsonKind(*field),
                                                     ", expected a string such as \"de\""));
    }
    const LanguageProfile* const own = DetectLanguage(ProseOf(ReplaceInvalidUtf8(prompt.text)));
    if (own != nullptr) return own;
    return absl::InvalidArgumentError(
        "no language is wanted: the metadata has no \"language\" and the prompt no letters");
  }

  RewardResult Judge(const LetterCounts& counts, const LanguageProfile& wanted) const {
    const bool enough = counts.all >= static_cast<size_t>(options_.min_letters);
    const double share =
        enough ? static_cast<double>(counts.wanted) / static_cast<double>(counts.all) : 0;
    double score = share;
    if (options_.threshold > 0) score = share >= options_.threshold ? 1 : 0;
    RewardResult result =
        RewardResult::Scored(score, absl::StrCat(counts.wanted, " of ", counts.all, " letters are ",
                                                 wanted.name, enough ? "" : ", too few to say"));
    result.parts = {{"share", share}, {"letters", static_cast<double>(counts.all)}};
    return result;
  }

  const LanguageOptions options_;
  const LanguageProfile* const language_;  // nullptr: the task's own
};

}  // namespace

absl::StatusOr<std::unique_ptr<Reward>> NewLanguage(const LanguageOptions& options) {
  const LanguageProfile* language = nullptr;
  if (!options.language.empty()) {
    ASSIGN_OR_RETURN(language, KnownLanguage(options.language));
  }
  return std::make_unique<Language>(options, language);
}

}  // namespace grpo
