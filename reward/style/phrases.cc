#include "reward/style/phrases.h"

#include "absl/strings/str_cat.h"

#include "data/json.h"
#include "data/status_macros.h"
#include "reward/metadata.h"
#include "reward/style/phrase_count.h"

namespace grpo {
namespace {

struct PhraseLists {
  std::vector<std::string> required, forbidden;  // as written
};

class Phrases : public Reward {
 public:
  explicit Phrases(const PhrasesOptions& options) : options_(options) {}

  absl::string_view name() const override { return "phrases"; }

  RewardResult Score(const RewardRequest& request, const Deadline&) const override {
    const auto lists = ListsFor(request.prompt);
    if (!lists.ok()) return RewardResult::Invalid(std::string(lists.status().message()));
    const std::string text = Fold(request.completion);
    if (text.empty()) return RewardResult::Scored(0, "blank completion");
    return Judge(*lists, text);
  }

 private:
  std::string Fold(absl::string_view text) const {
    return FoldForPhrases(text, options_.match_case);
  }

  absl::StatusOr<PhraseLists> ListsFor(const Prompt& prompt) const {
    ASSIGN_OR_RETURN(const nlohmann::json metadata, ParseMetadata(prompt));
    PhraseLists lists;
    ASSIGN_OR_RETURN(lists.required, StringsField(metadata, "required_phrases"));
    ASSIGN_OR_RETURN(lists.forbidden, StringsField(metadata, "forbidden_phrases"));
    lists.required.insert(lists.required.end(), options_.required.begin(), options_.required.end());
    lists.forbidden.insert(lists.forbidden.end(), options_.forbidden.begin(),
                           options_.forbidden.end());
    if (lists.required.empty() && lists.forbidden.empty()) {
      return absl::InvalidArgumentError(
          "no phrases: set required or forbidden, or give the record \"required_phrases\" or "
          "\"forbidden_phrases\"");
    }
    for (const auto* const list : {&lists.required, &lists.forbidden}) {
      for (const std::string& phrase : *list) {
        if (Fold(phrase).empty()) return absl::InvalidArgumentError("a phrase is blank");
      }
    }
    return lists;
  }

  RewardResult Judge(const PhraseLists& lists, const std::string& text) const {
    size_t found = 0, broken = 0;
    std::string fault;  // the first
    for (const std::string& phrase : lists.required) {
      if (CountPhrase(Fold(phrase), text) > 0) {
        ++found;
      } else if (fault.empty()) {
        fault = absl::StrCat("required \"", QuoteForMessage(phrase), "\" is missing");
      }
    }
    for (const std::string& phrase : lists.forbidden) {
      const size_t count = CountPhrase(Fold(phrase), text);
      broken += count;
      if (count > 0 && fault.empty()) {
        fault = absl::StrCat("forbidden \"", QuoteForMessage(phrase), "\" occurs");
      }
    }
    const double share = lists.required.empty() ? 1
                                                : static_cast<double>(found) /
                                                      static_cast<double>(lists.required.size());
    RewardResult result = RewardResult::Scored(fault.empty() ? 1 : 0,
                                               fault.empty() ? "all phrases as wanted" : fault);
    result.parts = {{"required", share}, {"forbidden", static_cast<double>(broken)}};
    return result;
  }

  const PhrasesOptions options_;
};

}  // namespace

std::unique_ptr<Reward> NewPhrases(const PhrasesOptions& options) {
  return std::make_unique<Phrases>(options);
}

}  // namespace grpo
