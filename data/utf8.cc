#include "data/utf8.h"

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
  while (const size_t size = Utf8CharacterSize(text.substr(end))) end += size;
  return end;
}

size_t InvalidUtf8Prefix(absl::string_view text) {
  size_t end = 0;
  while (end < text.size() && Utf8CharacterSize(text.substr(end)) == 0) ++end;
  return end;
}

}  // namespace grpo
