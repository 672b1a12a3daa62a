// detectable_format:* and detectable_content:*: lists, highlights, sections, titles, JSON,
// placeholders, postscripts.

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "data/regex.h"
#include "data/status_macros.h"
#include "reward/instructions/instruction_kind.h"
#include "reward/style/characters.h"

namespace grpo {
namespace {

constexpr absl::string_view kPossibleAnswers[] = {"My answer is yes.", "My answer is no.",
                                                  "My answer is maybe."};

size_t EndOfLine(absl::string_view text, size_t position) {
  return std::min(text.find('\n', position), text.size());
}

// Where white space that begins at the position ends.
size_t EndOfSpace(absl::string_view text, size_t position) {
  while (position < text.size() && IsSpace(DecodeUtf8(text.substr(position)))) {
    position += Utf8CharacterSize(text.substr(position));
  }
  return position;
}

// Lines that begin with the marker. White space before it may hold line ends; with
// `needs_other` a character that is no marker follows, which may be the line end itself, so that
// the next line belongs to the same item.
size_t CountItems(absl::string_view text, char marker, bool needs_other) {
  size_t count = 0;
  for (size_t line = 0; line <= text.size();) {
    size_t end = EndOfSpace(text, line);
    const bool marked = end < text.size() && text[end] == marker;
    const bool item =
        marked && (!needs_other || (end + 1 < text.size() && text[end + 1] != marker));
    if (item) {
      ++count;
      end += needs_other ? 2 : 1;
    }
    // Every line start that the white space held would find the same.
    line = EndOfLine(text, end) + 1;
  }
  return count;
}

absl::StatusOr<InstructionCheck> MakeBulletLists(const InstructionArguments& arguments) {
  ASSIGN_OR_RETURN(const int64_t wanted, arguments.Count("num_bullets"));
  return InstructionCheck([wanted](absl::string_view response) {
    const size_t bullets = CountItems(response, '*', true) + CountItems(response, '-', false);
    return static_cast<int64_t>(bullets) == wanted;
  });
}

absl::StatusOr<InstructionCheck> MakeConstrainedResponse(const InstructionArguments&) {
  return InstructionCheck([](absl::string_view response) {
    for (const absl::string_view answer : kPossibleAnswers) {
      if (absl::StrContains(response, answer)) return true;
    }
    return false;
  });
}

// Texts within a line between `marker` and the same marker, not blank and without '*'. A marker
// that closes one does not open the next.
size_t CountBetween(absl::string_view text, absl::string_view marker) {
  size_t count = 0;
  for (size_t open = text.find(marker); open != absl::string_view::npos;) {
    const size_t inside = open + marker.size();
    const size_t close = std::min(text.find_first_of("*\n", inside), text.size());
    if (!absl::StartsWith(text.substr(close), marker)) {
      open = text.find(marker, open + 1);
      continue;
    }
    if (!IsBlank(text.substr(inside, close - inside))) ++count;
    open = text.find(marker, close + marker.size());
  }
  return count;
}

// **Bold** counts once, as bold: the single asterisks find nothing between them.
absl::StatusOr<InstructionCheck> MakeHighlights(const InstructionArguments& arguments) {
  ASSIGN_OR_RETURN(const int64_t wanted, arguments.Count("num_highlights"));
  return InstructionCheck([wanted](absl::string_view response) {
    const size_t highlights = CountBetween(response, "*") + CountBetween(response, "**");
    return static_cast<int64_t>(highlights) >= wanted;
  });
}

// The splitter is a regular expression, as in the reference program, or itself where it is none.
absl::StatusOr<InstructionCheck> MakeMultipleSections(const InstructionArguments& arguments) {
  ASSIGN_OR_RETURN(const std::string splitter, arguments.Text("section_spliter"));
  ASSIGN_OR_RETURN(const int64_t wanted, arguments.Count("num_sections"));
  absl::StatusOr<Regex> made =
      Regex::Compile(absl::StrCat(R"(\s?)", StripSpace(splitter), R"(\s?\d+\s?)"));
  if (!made.ok()) return arguments.Wrong("section_spliter", "a regular expression");
  return InstructionCheck([regex = *std::move(made), wanted](absl::string_view response) {
    return static_cast<int64_t>(regex.FindAll(response).size()) >= wanted;
  });
}

absl::StatusOr<InstructionCheck> MakeJson(const InstructionArguments&) {
  return InstructionCheck([](absl::string_view response) {
    absl::string_view text = StripSpace(response);
    for (const absl::string_view fence : {"```json", "```Json", "```JSON", "```"}) {
      absl::ConsumePrefix(&text, fence);
    }
    absl::ConsumeSuffix(&text, "```");
    text = StripSpace(text);
    if (absl::StartsWith(text, "\xEF\xBB\xBF")) return false;  // the reader would skip the mark
    return nlohmann::json::accept(text.begin(), text.end());
  });
}

// <<…>> within a line, from the first << to the last >>.
absl::StatusOr<InstructionCheck> MakeTitle(const InstructionArguments&) {
  return InstructionCheck([](absl::string_view response) {
    for (const absl::string_view line : absl::StrSplit(response, '\n')) {
      const size_t open = line.find("<<"), close = line.rfind(">>");
      if (open == absl::string_view::npos || close == absl::string_view::npos) continue;
      if (close < open + 3) continue;
      absl::string_view title = line.substr(open, close + 2 - open);
      while (absl::ConsumePrefix(&title, "<")) {
      }
      while (absl::ConsumeSuffix(&title, ">")) {
      }
      if (!IsBlank(title)) return true;
    }
    return false;
  });
}

// […] within a line, from a bracket to the next closing one.
absl::StatusOr<InstructionCheck> MakePlaceholders(const InstructionArguments& arguments) {
  ASSIGN_OR_RETURN(const int64_t wanted, arguments.Count("num_placeholders"));
  return InstructionCheck([wanted](absl::string_view response) {
    int64_t count = 0;
    for (const absl::string_view line : absl::StrSplit(response, '\n')) {
      for (size_t open = line.find('['); open != absl::string_view::npos;) {
        const size_t close = line.find(']', open);
        if (close == absl::string_view::npos) break;
        ++count;
        open = line.find('[', close);
      }
    }
    return count >= wanted;
  });
}

absl::StatusOr<InstructionCheck> MakePostscript(const InstructionArguments& arguments) {
  ASSIGN_OR_RETURN(const std::string text, arguments.Text("postscript_marker"));
  const absl::string_view marker = StripSpace(text);
  std::string pattern = Lower(marker);
  if (marker == "P.P.S") pattern = R"(p\.\s?p\.\s?s)";
  if (marker == "P.S.") pattern = R"(p\.\s?s\.)";
  absl::StatusOr<Regex> made = Regex::Compile(pattern);
  if (!made.ok()) return arguments.Wrong("postscript_marker", "a regular expression");
  return InstructionCheck([regex = *std::move(made)](absl::string_view response) {
    return !regex.FindAll(Lower(response)).empty();
  });
}

}  // namespace

std::vector<InstructionKind> FormatInstructions() {
  return {
      {"detectable_content:number_placeholders", {"num_placeholders"}, MakePlaceholders},
      {"detectable_content:postscript", {"postscript_marker"}, MakePostscript},
      {"detectable_format:constrained_response", {}, MakeConstrainedResponse},
      {"detectable_format:json_format", {}, MakeJson},
      {"detectable_format:multiple_sections",
       {"section_spliter", "num_sections"},
       MakeMultipleSections},
      {"detectable_format:number_bullet_lists", {"num_bullets"}, MakeBulletLists},
      {"detectable_format:number_highlighted_sections", {"num_highlights"}, MakeHighlights},
      {"detectable_format:title", {}, MakeTitle},
  };
}

}  // namespace grpo
