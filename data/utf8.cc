#include "data/utf8.h"

#include <algorithm>

namespace grpo {

size_t Utf8CharacterSize(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  if (text.empty()) return 0;
  const int first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4 || !continues(1)) return 0;
  if (first < 0xE0) return 2;
  const int second = byte(1);
  if (first < 0xF0) {
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
    return continues(2) ? 3 : 0;
  }
  if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
  return continues(2) && continues(3) ? 4 : 0;
}

size_t ValidUtf8Prefix(absl::string_view text) {
  size_t end = 0;
  while (true) {
    while (end < text.size() && static_cast<unsigned char>(text[end]) < 0x80) ++end;
    const size_t size = Utf8CharacterSize(text.substr(end));
    if (size == 0) return end;
    end += size;
  }
}

size_t InvalidUtf8Prefix(absl::string_view text) {
  size_t size = std::min<size_t>(text.size(), 1);
  while (size > 0 && size < text.size() && IsUtf8Start(text.substr(0, size + 1))) ++size;
  return size;
}

bool IsUtf8Start(absl::string_view text) {
  // The lowest and the highest continuation complete every start that can be completed.
  for (const char byte : {'\x80', '\xBF'}) {
    std::string longer(text);
    while (!text.empty() && longer.size() < 4) {
      longer.push_back(byte);
      if (Utf8CharacterSize(longer) == longer.size()) return true;
    }
  }
  return false;
}

std::string ReplaceInvalidUtf8(absl::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const size_t size = ValidUtf8Prefix(text);
    valid.append(text.data(), size);
    text.remove_prefix(size);
    if (text.empty()) break;
    valid += "\uFFFD";
    text.remove_prefix(InvalidUtf8Prefix(text));
  }
  return valid;
}

char32_t DecodeUtf8(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const char32_t first = byte(0);
  if (first < 0x80) return first;
  if (first < 0xE0) return (first & 0x1F) << 6 | (byte(1) & 0x3F);
  const char32_t middle = (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
  if (first < 0xF0) return (first & 0x0F) << 12 | middle;
  return (first & 0x07) << 18 | middle << 6 | (byte(3) & 0x3F);
}

void AppendUtf8(char32_t code_point, std::string* text) {
  const auto continuation = [&](int shift) {
    text->push_back(static_cast<char>(0x80 | (code_point >> shift & 0x3F)));
  };
  if (code_point < 0x80) {
    text->push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    text->push_back(static_cast<char>(0xC0 | code_point >> 6));
    continuation(0);
  } else if (code_point < 0x10000) {
    text->push_back(static_cast<char>(0xE0 | code_point >> 12));
    continuation(6);
    continuation(0);
  } else {
    text->push_back(static_cast<char>(0xF0 | code_point >> 18));
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

absl::string_view LastCharacter(absl::string_view text) {
  size_t begin = text.size() - 1;
  while (begin > 0 && (text[begin] & 0xC0) == 0x80) --begin;
  return text.substr(begin);
}

bool IsWhiteSpace(char32_t code_point) {
  return (code_point >= 0x9 && code_point <= 0xD) || code_point == 0x20 || code_point == 0x85 ||
         code_point == 0xA0 || code_point == 0x1680 ||
         (code_point >= 0x2000 && code_point <= 0x200A) || code_point == 0x2028 ||
         code_point == 0x2029 || code_point == 0x202F || code_point == 0x205F ||
         code_point == 0x3000;
}

}  // namespace grpo
