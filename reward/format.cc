#include "reward/format.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "data/status_macros.h"
#include "reward/tagged_text.h"

namespace grpo {
namespace {

class Format : public Reward {
 public:
  explicit Format(const FormatOptions& options)
      : answer_open_(absl::StrCat("<", options.answer_tag, ">")),
        answer_close_(absl::StrCat("</", options.answer_tag, ">")) {}

  absl::string_view name() const override { return "format"; }

  RewardResult Score(const RewardRequest& request, const Deadline&) const override {
    const std::string fault = Fault(request.completion);
    return RewardResult::Scored(fault.empty() ? 1 : 0, fault.empty() ? "well formed" : fault);
  }

 private:
  // The first thing that is wrong; empty where nothing is.
  std::string Fault(absl::string_view completion) const {
    for (const absl::string_view tag :
         {absl::string_view("<think>"), absl::string_view("</think>"),
          absl::string_view(answer_open_), absl::string_view(answer_close_)}) {
      const int count = CountOf(tag, completion);
      if (count != 1) return absl::StrCat(count, " times ", tag, ", expected once");
    }
    absl::string_view rest = absl::StripAsciiWhitespace(completion);
    if (!absl::ConsumePrefix(&rest, "<think>")) return "text before <think>";
    if (!absl::ConsumeSuffix(&rest, answer_close_)) {
      return absl::StrCat("text after ", answer_close_);
    }
    const size_t thought_end = rest.find("</think>");
    if (thought_end == absl::string_view::npos) return "</think> in the wrong place";
    const absl::string_view thought = rest.substr(0, thought_end);
    rest = absl::StripLeadingAsciiWhitespace(rest.substr(thought_end + 8));
    if (!absl::ConsumePrefix(&rest, answer_open_)) {
      return absl::StrCat(answer_open_, " does not follow </think>");
    }
    if (absl::StripAsciiWhitespace(thought).empty()) return "nothing inside <think>";
    if (absl::StripAsciiWhitespace(rest).empty()) {
      return absl::StrCat("nothing inside ", answer_open_);
    }
    return "";
  }

  const std::string answer_open_, answer_close_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Reward>> NewFormat(const FormatOptions& options) {
  RETURN_IF_ERROR(CheckAnswerTag(options.answer_tag));
  return std::make_unique<Format>(options);
}

}  // namespace grpo
