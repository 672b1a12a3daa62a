#include "reward/style/prose.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace grpo {
namespace {

constexpr size_t kMaxTagBytes = 80;

struct Delimiters {
  absl::string_view open, close;
  bool within_line;
};

// An opening that begins another one stands after it.
constexpr Delimiters kDelimiters[] = {
    {"```", "```", false}, {"`", "`", true},      {"$$", "$$", false},           {"$", "$", true},
    {"\\(", "\\)", true},  {"\\[", "\\]", false}, {"\\begin{", "\\end{", false},
};
constexpr size_t kNumDelimiters = sizeof(kDelimiters) / sizeof(kDelimiters[0]);

class ProseReader {
 public:
  explicit ProseReader(absl::string_view text) : text_(text) {}

  std::string Read() {
    std::string prose;
    prose.reserve(text_.size());
    while (position_ < text_.size()) {
      const size_t end = EndOfPiece();
      if (end == position_) {
        prose.push_back(text_[position_++]);
      } else {
        prose.push_back(' ');
        position_ = end;
      }
    }
    return prose;
  }

 private:
  // Where the piece that begins here ends; here where none does.
  size_t EndOfPiece() {
    const absl::string_view rest = text_.substr(position_);
    if (rest[0] == '<') return EndOfTag(rest);
    if (rest[0] == 'h') return EndOfAddress(rest);
    if (rest[0] != '`' && rest[0] != '$' && rest[0] != '\\') return position_;
    for (size_t i = 0; i < kNumDelimiters; ++i) {
      if (!absl::StartsWith(rest, kDelimiters[i].open)) continue;
      const size_t end = EndOfDelimited(i);
      if (end != position_) return end;
    }
    return position_;
  }

  size_t EndOfDelimited(size_t index) {
    if (position_ < unclosed_until_[index]) return position_;
    const Delimiters& delimiters = kDelimiters[index];
    const size_t inside = position_ + delimiters.open.size();
    const size_t limit = delimiters.within_line ? EndOfLine() : text_.size();
    const size_t close = text_.substr(0, limit).find(delimiters.close, inside);
    if (close == absl::string_view::npos) {
      // No later opening finds one either: searching again would cost quadratic time.
      unclosed_until_[index] = limit;
      return position_;
    }
    if (close == inside) return position_;  // nothing inside
    const size_t end = close + delimiters.close.size();
    if (delimiters.close.back() != '{') return end;
    return EndOfName(end);
  }

  size_t EndOfTag(absl::string_view rest) const {
    const absl::string_view inside = rest.substr(1, kMaxTagBytes);
    const size_t name = absl::StartsWith(inside, "/") ? 1 : 0;
    if (name >= inside.size() || !absl::ascii_isalpha(static_cast<unsigned char>(inside[name]))) {
      return position_;
    }
    const size_t end = inside.find_first_of("<>\n");
    if (end == absl::string_view::npos || inside[end] != '>') return position_;
    return position_ + 1 + end + 1;
  }

  size_t EndOfAddress(absl::string_view rest) const {
    if (!absl::StartsWith(rest, "http://") && !absl::StartsWith(rest, "https://")) return position_;
    return position_ + std::min(rest.find_first_of(" \t\r\n"), rest.size());
  }

  // Behind the brace that ends an environment's name, which stands in one line.
  size_t EndOfName(size_t position) const {
    const size_t end = std::min(text_.find_first_of("}\n", position), text_.size());
    return end < text_.size() && text_[end] == '}' ? end + 1 : end;
  }

  size_t EndOfLineAfter(size_t position) const {
    return std::min(text_.find('\n', position), text_.size());
  }

  // The end of the line that the position is in; kept, as many pieces may begin in a line.
  size_t EndOfLine() {
    if (line_end_ <= position_) line_end_ = EndOfLineAfter(position_);
    return line_end_;
  }

  const absl::string_view text_;
  size_t position_ = 0;
  size_t line_end_ = 0;
  size_t unclosed_until_[kNumDelimiters] = {};  // where no closing stands before
};

}  // namespace

std::string ProseOf(absl::string_view text) { return ProseReader(text).Read(); }

}  // namespace grpo
