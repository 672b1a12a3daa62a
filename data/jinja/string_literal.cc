#include "data/jinja/string_literal.h"

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "data/jinja/text.h"
#include "data/status_macros.h"

namespace grpo::jinja {
namespace {

constexpr absl::string_view kPlainEscapes = "\\'\"abfnrtv";
constexpr absl::string_view kPlainValues = "\\'\"\a\b\f\n\r\t\v";

absl::StatusOr<std::string> CharacterNumbered(uint32_t number) {
  if (number > 0x10ffff) return absl::InvalidArgumentError("an escape beyond \\U0010ffff");
  if (number >= 0xd800 && number <= 0xdfff) {
    return absl::InvalidArgumentError(
        absl::StrFormat("\\u%04x is half of a surrogate pair, not a character", number));
  }
  std::string text;
  AppendUtf8(number, &text);
  return text;
}

// \xNN, \uNNNN or \UNNNNNNNN, the letter at the start of `rest`.
absl::StatusOr<std::string> TakeHex(absl::string_view* rest) {
  const size_t digits = rest->front() == 'x' ? 2 : rest->front() == 'u' ? 4 : 8;
  const absl::string_view written = rest->substr(1, digits);
  uint32_t number = 0;
  for (const char digit : written) {
    if (!absl::ascii_isxdigit(digit)) number = UINT32_MAX;
  }
  if (written.size() < digits || number == UINT32_MAX || !absl::SimpleHexAtoi(written, &number)) {
    return absl::InvalidArgumentError(absl::StrCat("the escape \\", rest->substr(0, 1), " needs ",
                                                   digits, " hexadecimal digits"));
  }
  rest->remove_prefix(1 + digits);
  return CharacterNumbered(number);
}

absl::StatusOr<std::string> TakeOctal(absl::string_view* rest) {
  uint32_t number = 0;
  for (int i = 0; i < 3 && !rest->empty() && rest->front() >= '0' && rest->front() <= '7'; ++i) {
    number = number * 8 + (rest->front() - '0');
    rest->remove_prefix(1);
  }
  return CharacterNumbered(number);
}

// Jinja reads literals after writing what is not ASCII as an escape; a backslash before such a
// character therefore stands for itself, and the escape's letters for theirs.
std::string TakeEscapedForeign(absl::string_view* rest) {
  size_t size = 0;
  const auto character = static_cast<uint32_t>(DecodeUtf8(*rest, &size));
  rest->remove_prefix(size);
  if (character < 0x100) return absl::StrFormat("\\x%02x", character);
  if (character < 0x10000) return absl::StrFormat("\\u%04x", character);
  return absl::StrFormat("\\U%08x", character);
}

// What stands behind a backslash.
absl::StatusOr<std::string> TakeEscape(absl::string_view* rest) {
  const char letter = rest->front();
  if (letter == 'x' || letter == 'u' || letter == 'U') return TakeHex(rest);
  if (letter >= '0' && letter <= '7') return TakeOctal(rest);
  if (letter == 'N') return absl::InvalidArgumentError("the escape \\N{…} is not supported");
  if (static_cast<unsigned char>(letter) >= 0x80) return TakeEscapedForeign(rest);
  rest->remove_prefix(1);
  if (letter == '\n') return "";
  const size_t plain = kPlainEscapes.find(letter);
  if (plain != absl::string_view::npos) return std::string(1, kPlainValues[plain]);
  return std::string({'\\', letter});
}

}  // namespace

absl::StatusOr<std::string> UnescapeString(absl::string_view literal) {
  std::string value;
  while (!literal.empty()) {
    const size_t backslash = literal.find('\\');
    absl::StrAppend(&value, literal.substr(0, backslash));
    if (backslash == absl::string_view::npos || backslash + 1 == literal.size()) break;
    literal.remove_prefix(backslash + 1);
    ASSIGN_OR_RETURN(const std::string escaped, TakeEscape(&literal));
    value += escaped;
  }
  return value;
}

}  // namespace grpo::jinja
