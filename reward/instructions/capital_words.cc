#include "reward/instructions/capital_words.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

#include "reward/style/characters.h"

namespace grpo {
namespace {

// In one case throughout; the last is a closing quote or a plural's genitive.
constexpr absl::string_view kClitics[] = {"'s",  "'S",  "'m",  "'M",  "'d",  "'D",  "'ll", "'LL",
                                          "'re", "'RE", "'ve", "'VE", "n't", "N'T", "'"};
// Two words written as one.
constexpr absl::string_view kContractions[] = {"CANNOT", "GIMME", "GONNA",
                                               "GOTTA",  "LEMME", "WANNA"};

// A character that ends a word, whatever stands beside it.
bool EndsWord(char32_t character) {
  if (IsSpace(character)) return true;
  if (character < 0x80) {
    const char c = static_cast<char>(character);
    return absl::StrContains("()[]{}<>\"`;@#$%&?!*", absl::string_view(&c, 1));
  }
  return (character >= 0x2012 && character <= 0x2015) ||                        // dashes
         character == 0xAB || character == 0xBB || character == 0x201E ||       // « » „
         (character >= 0x2018 && character <= 0x201D && character != 0x201A &&  // ‘ ’ “ ”
          character != 0x201B);
}

// Bytes that end a word by what follows them: a comma or colon before anything but a digit, dots,
// two hyphens, two apostrophes. 0 where none do.
size_t EndingRun(absl::string_view rest) {
  if (rest[0] == ',' || rest[0] == ':') {
    return rest.size() == 1 || !(rest[1] >= '0' && rest[1] <= '9') ? 1 : 0;
  }
  if (absl::StartsWith(rest, "..")) return std::min(rest.find_first_not_of('.'), rest.size());
  return absl::StartsWith(rest, "--") || absl::StartsWith(rest, "''") ? 2 : 0;
}

size_t CountInWord(absl::string_view word) {
  for (const absl::string_view contraction : kContractions) {
    if (word == contraction) return 2;
  }
  for (const absl::string_view clitic : kClitics) {
    absl::string_view rest = word;
    if (!absl::ConsumeSuffix(&rest, clitic) || rest.empty() || rest.back() == '\'') continue;
    return (IsAllUpper(rest) ? 1 : 0) + (IsAllUpper(clitic) ? 1 : 0);
  }
  return IsAllUpper(word) ? 1 : 0;
}

}  // namespace

size_t CountCapitalWords(absl::string_view text) {
  size_t count = 0, word_begin = 0;
  for (size_t at = 0; at <= text.size();) {
    size_t ending = 0;
    if (at == text.size()) {
      ending = 1;
    } else if (EndsWord(DecodeUtf8(text.substr(at)))) {
      ending = Utf8CharacterSize(text.substr(at));
    } else {
      ending = EndingRun(text.substr(at));
    }
    if (ending == 0) {
      at += Utf8CharacterSize(text.substr(at));
      continue;
    }
    count += CountInWord(text.substr(word_begin, at - word_begin));
    at += ending;
    word_begin = at;
  }
  return count;
}

}  // namespace grpo
