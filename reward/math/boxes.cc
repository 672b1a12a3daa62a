#include "reward/math/boxes.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace grpo {
namespace {

constexpr size_t kMaxGapBytes = 80;
constexpr int kMaxGapWords = 5;

struct Box {
  size_t begin;        // of the command
  size_t content;      // of what is inside
  size_t content_end;  // one behind it
  size_t end;          // one behind the box
};

// Bytes of a box's command at a backslash, up to but without the brace or digit; 0 for others.
size_t BoxCommand(absl::string_view text) {
  size_t size = 1;
  if (text.size() > 1 && text[1] == '\\') size = 2;  // written twice
  for (const absl::string_view name : {"boxed", "fbox"}) {
    if (!absl::StartsWith(text.substr(size), name)) continue;
    size += name.size();
    while (size < text.size() && text[size] == ' ') ++size;
    return size;
  }
  return 0;
}

class BoxScanner {
 public:
  explicit BoxScanner(absl::string_view text) : text_(text) {}

  // From the first box on: braces before it are of no account.
  void Run(size_t first) {
    for (size_t i = first; i < text_.size();) {
      const char c = text_[i];
      if (c != '\\' && c != '{' && c != '}') {
        ++i;
      } else if (c == '\\') {
        i = Backslash(i);
      } else if (c == '{') {
        braces_.push_back({kNoBox, 0});
        ++i;
      } else {
        Close(i);
        ++i;
      }
    }
  }

  const std::vector<Box>& boxes() const { return boxes_; }

  // The first box that is still open and begins behind every closed one.
  absl::optional<Box> Unclosed() const {
    for (const Brace& brace : braces_) {
      if (brace.begin == kNoBox || (!boxes_.empty() && brace.begin < boxes_.back().begin)) continue;
      return Box{brace.begin, brace.content, text_.size(), text_.size()};
    }
    return absl::nullopt;
  }

 private:
  static constexpr size_t kNoBox = absl::string_view::npos;
  struct Brace {
    size_t begin;  // of the box's command; kNoBox for a plain brace
    size_t content;
  };

  size_t Backslash(size_t i) {
    const size_t command = BoxCommand(text_.substr(i));
    if (command == 0) return i + 2;
    const size_t at = i + command;
    if (at < text_.size() && text_[at] == '{') {
      braces_.push_back({i, at + 1});
      return at + 1;
    }
    // \boxed 42
    size_t end = at;
    if (end < text_.size() && text_[end] == '-') ++end;
    while (end < text_.size() && (absl::ascii_isalnum(text_[end]) || text_[end] == '.')) ++end;
    if (end > at) boxes_.push_back({i, at, end, end});
    return end > at ? end : at + 1;
  }

  void Close(size_t i) {
    if (braces_.empty()) return;
    const Brace brace = braces_.back();
    braces_.pop_back();
    if (brace.begin == kNoBox) return;
    while (!boxes_.empty() && boxes_.back().begin > brace.begin) boxes_.pop_back();
    boxes_.push_back({brace.begin, brace.content, i, i + 1});
  }

  absl::string_view text_;
  std::vector<Brace> braces_;
  std::vector<Box> boxes_;
};

// What stands between two boxes, as far as it matters.
struct Gap {
  int words = 0, joiners = 0;
  bool ends_sentence = false, equals = false;
};

Gap ReadGap(absl::string_view text) {
  Gap gap;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '\\') {
      ++i;
      if (i < text.size() && !absl::ascii_isalpha(text[i])) ++i;
      while (i < text.size() && absl::ascii_isalpha(text[i])) ++i;
      continue;
    }
    if (absl::ascii_isalpha(c)) {
      size_t end = i;
      while (end < text.size() && absl::ascii_isalpha(text[end])) ++end;
      const std::string word = absl::AsciiStrToLower(text.substr(i, end - i));
      if (word.size() > 1) ++gap.words;
      if (word == "and" || word == "or") ++gap.joiners;
      if (word == "not" || word == "no" || word == "wait" || word == "but" || word == "so" ||
          word == "actually" || word == "then" || word == "instead") {
        gap.ends_sentence = true;
      }
      i = end;
      continue;
    }
    if (c == '.' || c == '?' || c == '!') gap.ends_sentence = true;
    if (c == '=') gap.equals = true;
    ++i;
  }
  return gap;
}

// Whether two boxes with this between them are items of one list.
bool JoinsBoxes(absl::string_view between) {
  if (between.size() > kMaxGapBytes) return false;
  const Gap gap = ReadGap(between);
  if (gap.ends_sentence) return false;
  if (gap.words == 0) return !gap.equals;
  return gap.joiners == 1 && gap.words <= kMaxGapWords;
}

}  // namespace

BoxedAnswer LastBoxes(absl::string_view text, bool unclosed_to_end) {
  BoxedAnswer answer;
  const size_t first_box = std::min(text.find("boxed"), text.find("fbox"));
  if (first_box == absl::string_view::npos) return answer;
  BoxScanner scanner(text);
  scanner.Run(first_box < 2 ? 0 : first_box - 2);
  if (const auto unclosed = scanner.Unclosed()) {
    answer.unclosed = !unclosed_to_end;
    if (unclosed_to_end) answer.text = std::string(text.substr(unclosed->content));
    return answer;
  }
  const std::vector<Box>& boxes = scanner.boxes();
  if (boxes.empty()) return answer;
  size_t first = boxes.size() - 1;
  while (first > 0 &&
         JoinsBoxes(text.substr(boxes[first - 1].end, boxes[first].begin - boxes[first - 1].end))) {
    --first;
  }
  std::string joined;
  for (size_t i = first; i < boxes.size(); ++i) {
    absl::StrAppend(&joined, i > first ? " and " : "",
                    text.substr(boxes[i].content, boxes[i].content_end - boxes[i].content));
  }
  answer.text = std::move(joined);
  return answer;
}

}  // namespace grpo
