#include "data/added_tokens.h"

#include <algorithm>
#include <functional>

#include "data/check.h"
#include "data/regex.h"
#include "data/utf8.h"

namespace grpo {
namespace {

absl::string_view FirstCharacter(absl::string_view text) {
  return text.substr(0, Utf8CharacterSize(text));
}

// What `single_word` takes for a part of a word: \w of Rust's `regex` crate.
bool IsWord(absl::string_view character) {
  static const Regex& word =
      *new Regex(*Regex::Compile(R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200c}\x{200d}])"));
  return !word.FindAll(character).empty();
}

bool IsSingleWord(absl::string_view before, absl::string_view after) {
  return (before.empty() || !IsWord(LastCharacter(before))) &&
         (after.empty() || !IsWord(FirstCharacter(after)));
}

// Bytes of white space at the end of `text`.
size_t SpaceAtEnd(absl::string_view text) {
  const size_t size = text.size();
  while (!text.empty() && IsWhiteSpace(DecodeUtf8(LastCharacter(text)))) {
    text.remove_suffix(LastCharacter(text).size());
  }
  return size - text.size();
}

size_t SpaceAtStart(absl::string_view text) {
  const size_t size = text.size();
  while (!text.empty() && IsWhiteSpace(DecodeUtf8(text))) {
    text.remove_prefix(FirstCharacter(text).size());
  }
  return size - text.size();
}

}  // namespace

AddedTokenFinder::AddedTokenFinder(const std::vector<AddedToken>& tokens) {
  for (const AddedToken& token : tokens) {
    GRPO_CHECK(!token.text.empty());
    tokens_[token.text] = token;
    sizes_by_first_byte_[static_cast<unsigned char>(token.text[0])].push_back(token.text.size());
  }
  for (std::vector<size_t>& sizes : sizes_by_first_byte_) {
    std::sort(sizes.begin(), sizes.end(), std::greater<>());
    sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  }
}

const AddedToken* AddedTokenFinder::LongestAt(absl::string_view text) const {
  for (const size_t size : sizes_by_first_byte_[static_cast<unsigned char>(text[0])]) {
    if (size > text.size()) continue;
    const auto found = tokens_.find(text.substr(0, size));
    if (found != tokens_.end()) return &found->second;
  }
  return nullptr;
}

void AddedTokenFinder::Split(absl::string_view text,
                             absl::FunctionRef<void(absl::string_view)> on_text,
                             absl::FunctionRef<void(int32_t)> on_token) const {
  size_t done = 0;  // where the last token ended, with the white space that it took
  size_t place = 0;
  while (!tokens_.empty() && place < text.size()) {
    const AddedToken* const token = LongestAt(text.substr(place));
    if (token == nullptr) {
      ++place;
      continue;
    }
    size_t begin = place;
    place += token->text.size();
    size_t end = place;
    if (token->single_word && !IsSingleWord(text.substr(0, begin), text.substr(end))) continue;
    if (token->left_strip) {
      begin = std::max(begin - SpaceAtEnd(text.substr(0, begin)), done);
    }
    if (token->right_strip) end += SpaceAtStart(text.substr(end));
    if (begin > done) on_text(text.substr(done, begin - done));
    on_token(token->id);
    done = end;
  }
  if (done < text.size()) on_text(text.substr(done));
}

}  // namespace grpo
