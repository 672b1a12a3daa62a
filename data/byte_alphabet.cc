#include "data/byte_alphabet.h"

#include <array>
#include <cstdint>

namespace grpo {
namespace {

// The last code point of the alphabet is U+0143: all take one or two bytes of UTF-8.
constexpr int kCodePoints = 0x144;

struct Alphabet {
  std::array<uint16_t, 256> code_points;
  std::array<int16_t, kCodePoints> bytes;  // -1: not of the alphabet
};

Alphabet MakeAlphabet() {
  Alphabet alphabet;
  alphabet.bytes.fill(-1);
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD);
    alphabet.code_points[byte] = printable ? byte : next++;
    alphabet.bytes[alphabet.code_points[byte]] = byte;
  }
  return alphabet;
}

const Alphabet& TheAlphabet() {
  static const Alphabet alphabet = MakeAlphabet();
  return alphabet;
}

}  // namespace

std::string ToByteAlphabet(absl::string_view bytes) {
  std::string characters;
  for (const unsigned char byte : bytes) {
    const uint16_t code_point = TheAlphabet().code_points[byte];
    if (code_point < 0x80) {
      characters.push_back(static_cast<char>(code_point));
    } else {
      characters.push_back(static_cast<char>(0xC0 | code_point >> 6));
      characters.push_back(static_cast<char>(0x80 | (code_point & 0x3F)));
    }
  }
  return characters;
}

absl::optional<std::string> FromByteAlphabet(absl::string_view characters) {
  std::string bytes;
  for (size_t i = 0; i < characters.size(); ++i) {
    int code_point = static_cast<unsigned char>(characters[i]);
    if (code_point >= 0x80) {
      if ((code_point & 0xE0) != 0xC0 || i + 1 == characters.size()) return absl::nullopt;
      code_point = (code_point & 0x1F) << 6 | (characters[++i] & 0x3F);
    }
    if (code_point >= kCodePoints || TheAlphabet().bytes[code_point] < 0) return absl::nullopt;
    bytes.push_back(static_cast<char>(TheAlphabet().bytes[code_point]));
  }
  return bytes;
}

}  // namespace grpo
