#include "reward/style/format.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "data/status_macros.h"
#include "reward/tagged_text.h"

namespace grpo {
namespace {

constexpr absl::string_view kThinkOpen = "<think>", kThinkClose = "</think>";

bool Blank(absl::string_view text) { return absl::StripAsciiWhitespace(text).empty(); }

class Format : public Reward {
 public:
  explicit Format(const FormatOptions& options)
      : answer_open_(absl::StrCat("<", options.answer_tag, ">")),
        answer_close_(absl::StrCat("</", options.answer_tag, ">")),
        has_answer_tag_(options.answer == "tag") {}

  absl::string_view name() const override { return "format"; }

  RewardResult Score(const RewardRequest& request, const Deadline&) const override {
    const std::string fault = Fault(request.completion);
    return RewardResult::Scored(fault.empty() ? 1 : 0, fault.empty() ? "well formed" : fault);
  }

 private:
  // The first thing that is wrong; empty where nothing is.
  std::string Fault(absl::string_view completion) const {
    std::string fault = CountFault(completion);
    if (!fault.empty()) return fault;
    absl::string_view rest = absl::StripAsciiWhitespace(completion);
    if (!absl::ConsumePrefix(&rest, kThinkOpen)) return "text before <think>";
    if (has_answer_tag_ && !absl::ConsumeSuffix(&rest, answer_close_)) {
      return absl::StrCat("text after ", answer_close_);
    }
    const size_t thought_end = rest.find(kThinkClose);
    if (thought_end == absl::string_view::npos) return "</think> in the wrong place";
    const absl::string_view thought = rest.substr(0, thought_end);
    rest = absl::StripLeadingAsciiWhitespace(rest.substr(thought_end + kThinkClose.size()));
    if (has_answer_tag_ && !absl::ConsumePrefix(&rest, answer_open_)) {
      return absl::StrCat(answer_open_, " does not follow </think>");
    }
    if (Blank(thought)) return "nothing inside <think>";
    if (!Blank(rest)) return "";
    return has_answer_tag_ ? absl::StrCat("nothing inside ", answer_open_)
                           : "nothing after </think>";
  }

  std::string CountFault(absl::string_view completion) const {
    const int answers = has_answer_tag_ ? 1 : 0;
    const std::pair<absl::string_view, int> expected[] = {
        {kThinkOpen, 1}, {kThinkClose, 1}, {answer_open_, answers}, {answer_close_, answers}};
    for (const auto& [tag, times] : expected) {
      const int count = CountOf(tag, completion);
      if (count == times) continue;
      return absl::StrCat(count, " times ", tag, ", expected ", times == 1 ? "once" : "none");
    }
    return "";
  }

  const std::string answer_open_, answer_close_;
  const bool has_answer_tag_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Reward>> NewFormat(const FormatOptions& options) {
  RETURN_IF_ERROR(CheckAnswerTag(options.answer_tag));
  return std::make_unique<Format>(options);
}

}  // namespace grpo
