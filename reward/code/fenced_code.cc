#include "reward/code/fenced_code.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace grpo {
namespace {

bool Names(absl::string_view info, absl::string_view language) {
  const std::string name = absl::AsciiStrToLower(info.substr(0, info.find_first_of(" \t{:,")));
  const std::vector<absl::string_view> names =
      language == "cpp"
          ? std::vector<absl::string_view>{"cpp", "c++", "cc", "cxx", "c++20", "c++17"}
          : std::vector<absl::string_view>{"python", "py", "python3"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

// How many backticks open the line, at most three spaces in; 0 where it opens or closes no block.
size_t FenceSize(absl::string_view line) {
  const size_t indent = std::min(line.find_first_not_of(' '), line.size());
  if (indent > 3) return 0;
  const size_t end = std::min(line.find_first_not_of('`', indent), line.size());
  return end - indent >= 3 ? end - indent : 0;
}

}  // namespace

absl::optional<std::string> LastFencedBlock(absl::string_view text, absl::string_view language) {
  absl::optional<std::string> named, nameless;
  size_t fence = 0;  // of the block that is open
  std::string info, block;
  const auto finish = [&] {
    if (Names(info, language)) named = block;
    if (info.empty()) nameless = block;
    fence = 0;
  };
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const size_t size = FenceSize(line);
    const absl::string_view rest =
        absl::StripAsciiWhitespace(absl::StripAsciiWhitespace(line).substr(size));
    if (fence == 0 && size > 0) {
      fence = size;
      info = std::string(rest);
      block.clear();
    } else if (fence > 0 && size >= fence && rest.empty()) {
      finish();
    } else if (fence > 0) {
      block.append(line.data(), line.size());
      block.push_back('\n');
    }
  }
  if (fence > 0) finish();
  return named.has_value() ? named : nameless;
}

}  // namespace grpo
