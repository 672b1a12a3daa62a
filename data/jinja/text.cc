#include "data/jinja/text.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "data/check.h"
#include "data/jinja/unicode_case.h"
#include "data/regex.h"
#include "data/utf8.h"

namespace grpo::jinja {
namespace {

// Whether the pattern, compiled once for each caller, matches the character.
bool HasProperty(const Regex& property, char32_t character) {
  std::string text;
  AppendUtf8(character, &text);
  return !property.FindAll(text).empty();
}

Regex CompileProperty(const char* pattern) {
  auto regex = Regex::Compile(pattern);
  GRPO_CHECK(regex.ok());
  return *std::move(regex);
}

bool EndsLine(char32_t character) {
  return (character >= 0x0a && character <= 0x0d) || (character >= 0x1c && character <= 0x1e) ||
         character == 0x85 || character == 0x2028 || character == 0x2029;
}

// Calls `visit(character, bytes)` for each character.
template <typename Visit>
void ForEachCharacter(absl::string_view text, Visit visit) {
  while (!text.empty()) {
    size_t size = 0;
    const char32_t character = DecodeUtf8(text, &size);
    visit(character, text.substr(0, size));
    text.remove_prefix(size);
  }
}

bool StartsWithSpace(absl::string_view text) {
  size_t size = 0;
  return IsSpace(DecodeUtf8(text, &size));
}

std::vector<absl::string_view> SplitAtSpace(absl::string_view text, int64_t limit) {
  std::vector<absl::string_view> parts;
  text = Strip(text, absl::nullopt, Side::kLeft);
  while (!text.empty()) {
    if (limit >= 0 && static_cast<int64_t>(parts.size()) == limit) {
      parts.push_back(text);
      break;
    }
    size_t end = 0;
    while (end < text.size() && !StartsWithSpace(text.substr(end))) {
      end += Utf8CharacterSize(text.substr(end));
    }
    parts.push_back(text.substr(0, end));
    text = Strip(text.substr(end), absl::nullopt, Side::kLeft);
  }
  return parts;
}

std::vector<absl::string_view> SplitAtSpaceFromRight(absl::string_view text, int64_t limit) {
  std::vector<absl::string_view> parts;
  text = Strip(text, absl::nullopt, Side::kRight);
  while (!text.empty()) {
    if (limit >= 0 && static_cast<int64_t>(parts.size()) == limit) {
      parts.push_back(text);
      break;
    }
    size_t start = text.size();
    while (start > 0 && !StartsWithSpace(LastCharacter(text.substr(0, start)))) {
      start -= LastCharacter(text.substr(0, start)).size();
    }
    parts.push_back(text.substr(start));
    text = Strip(text.substr(0, start), absl::nullopt, Side::kRight);
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

// A capital sigma becomes a small final one at the end of a word, where a letter stands before it.
std::string LowerSigma(absl::string_view before, absl::string_view after) {
  const auto is_cased = [](absl::string_view character) {
    size_t size = 0;
    const char32_t decoded = DecodeUtf8(character, &size);
    return HasUpper(decoded) || HasLower(decoded);
  };
  const bool letter_before = !before.empty() && is_cased(LastCharacter(before));
  const bool letter_after = !after.empty() && is_cased(after);
  return letter_before && !letter_after ? "ς" : "σ";
}

constexpr char32_t kCapitalSigma = 0x3a3;

// Appends the lower case of the character `bytes`, which lies within `text`.
void AppendLowerWithin(absl::string_view text, char32_t character, absl::string_view bytes,
                       std::string* lower) {
  if (character == kCapitalSigma) {
    const size_t start = bytes.data() - text.data();
    *lower += LowerSigma(text.substr(0, start), text.substr(start + bytes.size()));
  } else {
    AppendLower(character, lower);
  }
}

}  // namespace

void AppendUtf8(char32_t character, std::string* text) {
  const auto push = [text](char32_t byte) { text->push_back(static_cast<char>(byte)); };
  if (character < 0x80) {
    push(character);
  } else if (character < 0x800) {
    push(0xC0 | (character >> 6));
    push(0x80 | (character & 0x3F));
  } else if (character < 0x10000) {
    push(0xE0 | (character >> 12));
    push(0x80 | ((character >> 6) & 0x3F));
    push(0x80 | (character & 0x3F));
  } else {
    push(0xF0 | (character >> 18));
    push(0x80 | ((character >> 12) & 0x3F));
    push(0x80 | ((character >> 6) & 0x3F));
    push(0x80 | (character & 0x3F));
  }
}

char32_t DecodeUtf8(absl::string_view text, size_t* size) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto tail = [byte](size_t i) { return static_cast<char32_t>(byte(i) & 0x3F); };
  *size = Utf8CharacterSize(text);
  switch (*size) {
    case 1:
      return byte(0);
    case 2:
      return ((byte(0) & 0x1Fu) << 6) | tail(1);
    case 3:
      return ((byte(0) & 0x0Fu) << 12) | (tail(1) << 6) | tail(2);
    case 4:
      return ((byte(0) & 0x07u) << 18) | (tail(1) << 12) | (tail(2) << 6) | tail(3);
    default:
      GRPO_CHECK(*size != 0);
      return 0;
  }
}

int64_t CountCharacters(absl::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; });
}

size_t ByteOffset(absl::string_view text, int64_t index) {
  size_t offset = 0;
  while (offset < text.size() && index > 0) {
    offset += Utf8CharacterSize(text.substr(offset));
    --index;
  }
  return offset;
}

std::vector<absl::string_view> Characters(absl::string_view text) {
  std::vector<absl::string_view> characters;
  ForEachCharacter(text,
                   [&](char32_t, absl::string_view character) { characters.push_back(character); });
  return characters;
}

bool IsSpace(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
         c == 0x205f || c == 0x3000;
}

bool IsWordCharacter(char32_t character) {
  if (character < 0x80) return character == '_' || absl::ascii_isalnum(character);
  static const auto* const word = new Regex(CompileProperty("[\\p{L}\\p{N}]"));
  return HasProperty(*word, character);
}

bool IsPrintable(char32_t character) {
  if (character < 0x80) return character >= 0x20 && character != 0x7f;
  static const auto* const hidden = new Regex(CompileProperty("[\\p{C}\\p{Z}]"));
  return !HasProperty(*hidden, character);
}

bool IsAlphabetic(char32_t character) {
  if (character < 0x80) return absl::ascii_isalpha(character);
  static const auto* const letter = new Regex(CompileProperty("\\p{L}"));
  return HasProperty(*letter, character);
}

bool IsDigit(char32_t character) {
  if (character < 0x80) return absl::ascii_isdigit(character);
  static const auto* const digit = new Regex(CompileProperty("\\p{Nd}"));
  return HasProperty(*digit, character);
}

absl::string_view Strip(absl::string_view text, absl::optional<absl::string_view> characters,
                        Side side) {
  const auto goes = [&](absl::string_view character) {
    return characters.has_value() ? absl::StrContains(*characters, character)
                                  : StartsWithSpace(character);
  };
  while (side != Side::kRight && !text.empty()) {
    const size_t size = Utf8CharacterSize(text);
    if (!goes(text.substr(0, size))) break;
    text.remove_prefix(size);
  }
  while (side != Side::kLeft && !text.empty()) {
    const absl::string_view last = LastCharacter(text);
    if (!goes(last)) break;
    text.remove_suffix(last.size());
  }
  return text;
}

size_t FindText(absl::string_view text, absl::string_view part) {
  if (part.empty()) return 0;
  const void* found = memmem(text.data(), text.size(), part.data(), part.size());
  if (found == nullptr) return absl::string_view::npos;
  return static_cast<const char*>(found) - text.data();
}

std::vector<absl::string_view> Split(absl::string_view text,
                                     absl::optional<absl::string_view> separator, int64_t limit) {
  if (!separator.has_value()) return SplitAtSpace(text, limit);
  std::vector<absl::string_view> parts;
  while (limit < 0 || static_cast<int64_t>(parts.size()) < limit) {
    const size_t found = FindText(text, *separator);
    if (found == absl::string_view::npos) break;
    parts.push_back(text.substr(0, found));
    text.remove_prefix(found + separator->size());
  }
  parts.push_back(text);
  return parts;
}

std::vector<absl::string_view> SplitFromRight(absl::string_view text,
                                              absl::optional<absl::string_view> separator,
                                              int64_t limit) {
  if (!separator.has_value()) return SplitAtSpaceFromRight(text, limit);
  std::vector<absl::string_view> parts;
  while (limit < 0 || static_cast<int64_t>(parts.size()) < limit) {
    const size_t found = text.rfind(*separator);
    if (found == absl::string_view::npos) break;
    parts.push_back(text.substr(found + separator->size()));
    text = text.substr(0, found);
  }
  parts.push_back(text);
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<absl::string_view> SplitLines(absl::string_view text, bool keep_ends) {
  std::vector<absl::string_view> lines;
  size_t start = 0;
  size_t position = 0;
  while (position < text.size()) {
    size_t size = 0;
    const char32_t character = DecodeUtf8(text.substr(position), &size);
    const size_t end = position;
    position += size;
    if (!EndsLine(character)) continue;
    if (character == '\r' && absl::StartsWith(text.substr(position), "\n")) ++position;
    lines.push_back(text.substr(start, (keep_ends ? position : end) - start));
    start = position;
  }
  if (start < text.size()) lines.push_back(text.substr(start));
  return lines;
}

std::string Replace(absl::string_view text, absl::string_view from, absl::string_view to,
                    int64_t limit) {
  std::string replaced;
  const auto may_replace = [&limit] { return limit != 0 && (limit < 0 || limit-- > 0); };
  if (from.empty()) {
    if (may_replace()) absl::StrAppend(&replaced, to);
    ForEachCharacter(text, [&](char32_t, absl::string_view character) {
      absl::StrAppend(&replaced, character);
      if (may_replace()) absl::StrAppend(&replaced, to);
    });
    return replaced;
  }
  for (size_t found; (found = FindText(text, from)) != absl::string_view::npos && may_replace();) {
    absl::StrAppend(&replaced, text.substr(0, found), to);
    text.remove_prefix(found + from.size());
  }
  absl::StrAppend(&replaced, text);
  return replaced;
}

int64_t CountOccurrences(absl::string_view text, absl::string_view part) {
  if (part.empty()) return CountCharacters(text) + 1;
  int64_t count = 0;
  for (size_t found; (found = FindText(text, part)) != absl::string_view::npos; ++count) {
    text.remove_prefix(found + part.size());
  }
  return count;
}

std::string ToUpper(absl::string_view text) {
  std::string upper;
  ForEachCharacter(text,
                   [&](char32_t character, absl::string_view) { AppendUpper(character, &upper); });
  return upper;
}

std::string ToLower(absl::string_view text) {
  std::string lower;
  ForEachCharacter(text, [&](char32_t character, absl::string_view bytes) {
    AppendLowerWithin(text, character, bytes, &lower);
  });
  return lower;
}

std::string Capitalize(absl::string_view text) {
  std::string capitalized;
  ForEachCharacter(text, [&](char32_t character, absl::string_view bytes) {
    if (bytes.data() == text.data()) {
      AppendTitle(character, &capitalized);
    } else {
      AppendLowerWithin(text, character, bytes, &capitalized);
    }
  });
  return capitalized;
}

std::string ToTitle(absl::string_view text) {
  std::string title;
  bool within_word = false;
  ForEachCharacter(text, [&](char32_t character, absl::string_view bytes) {
    if (within_word) {
      AppendLowerWithin(text, character, bytes, &title);
    } else {
      AppendTitle(character, &title);
    }
    within_word = HasUpper(character) || HasLower(character);
  });
  return title;
}

std::string SwapCase(absl::string_view text) {
  std::string swapped;
  ForEachCharacter(text, [&](char32_t character, absl::string_view bytes) {
    if (HasLower(character)) {
      AppendLowerWithin(text, character, bytes, &swapped);
    } else {
      AppendUpper(character, &swapped);
    }
  });
  return swapped;
}

bool IsUpper(absl::string_view text) {
  bool has_upper = false;
  bool has_lower = false;
  ForEachCharacter(text, [&](char32_t character, absl::string_view) {
    has_upper |= HasLower(character);
    has_lower |= HasUpper(character);
  });
  return has_upper && !has_lower;
}

bool IsLower(absl::string_view text) {
  bool has_upper = false;
  bool has_lower = false;
  ForEachCharacter(text, [&](char32_t character, absl::string_view) {
    has_upper |= HasLower(character);
    has_lower |= HasUpper(character);
  });
  return has_lower && !has_upper;
}

std::string QuotePython(absl::string_view text) {
  const char quote = absl::StrContains(text, '\'') && !absl::StrContains(text, '"') ? '"' : '\'';
  std::string quoted(1, quote);
  ForEachCharacter(text, [&](char32_t character, absl::string_view bytes) {
    if (character == static_cast<char32_t>(quote) || character == '\\') {
      absl::StrAppend(&quoted, "\\", bytes);
    } else if (character == '\n') {
      quoted += "\\n";
    } else if (character == '\r') {
      quoted += "\\r";
    } else if (character == '\t') {
      quoted += "\\t";
    } else if (IsPrintable(character)) {
      absl::StrAppend(&quoted, bytes);
    } else if (character < 0x100) {
      absl::StrAppendFormat(&quoted, "\\x%02x", static_cast<uint32_t>(character));
    } else if (character < 0x10000) {
      absl::StrAppendFormat(&quoted, "\\u%04x", static_cast<uint32_t>(character));
    } else {
      absl::StrAppendFormat(&quoted, "\\U%08x", static_cast<uint32_t>(character));
    }
  });
  quoted.push_back(quote);
  return quoted;
}

std::string EscapeHtml(absl::string_view text) {
  std::string escaped;
  for (const char byte : text) {
    switch (byte) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&#34;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped.push_back(byte);
    }
  }
  return escaped;
}

}  // namespace grpo::jinja
