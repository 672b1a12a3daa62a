#include "data/added_tokens.h"

#include <algorithm>
#include <functional>

#include "data/check.h"

namespace grpo {

AddedTokenFinder::AddedTokenFinder(const std::vector<AddedToken>& tokens) {
  for (const AddedToken& token : tokens) {
    GRPO_CHECK(!token.text.empty());
    ids_[token.text] = token.id;
    sizes_by_first_byte_[static_cast<unsigned char>(token.text[0])].push_back(token.text.size());
  }
  for (std::vector<size_t>& sizes : sizes_by_first_byte_) {
    std::sort(sizes.begin(), sizes.end(), std::greater<>());
    sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  }
}

AddedTokenFinder::Found AddedTokenFinder::LongestAt(absl::string_view text) const {
  for (const size_t size : sizes_by_first_byte_[static_cast<unsigned char>(text[0])]) {
    if (size > text.size()) continue;
    const auto found = ids_.find(text.substr(0, size));
    if (found != ids_.end()) return {found->second, size};
  }
  return {};
}

void AddedTokenFinder::Split(absl::string_view text,
                             absl::FunctionRef<void(absl::string_view)> on_text,
                             absl::FunctionRef<void(int32_t)> on_token) const {
  size_t begin = 0;  // of the text since the last token
  size_t place = 0;
  while (place < text.size()) {
    const Found found = LongestAt(text.substr(place));
    if (found.size == 0) {
      ++place;
      continue;
    }
    if (place > begin) on_text(text.substr(begin, place - begin));
    on_token(found.id);
    begin = place += found.size;
  }
  if (begin < text.size()) on_text(text.substr(begin));
}

}  // namespace grpo
