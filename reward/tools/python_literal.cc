#include "reward/tools/python_literal.h"

#include <cmath>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "data/utf8.h"

namespace grpo {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 64;
constexpr size_t kMaxNumberBytes = 400;  // more digits than any double needs

bool IsDecimal(unsigned char c) { return absl::ascii_isdigit(c); }
bool IsHex(unsigned char c) { return absl::ascii_isxdigit(c); }
bool IsOctal(unsigned char c) { return c >= '0' && c <= '7'; }
bool IsBinary(unsigned char c) { return c == '0' || c == '1'; }
bool IsNameStart(unsigned char c) { return absl::ascii_isalpha(c) || c == '_' || c >= 0x80; }
bool IsNameByte(unsigned char c) { return IsNameStart(c) || absl::ascii_isdigit(c); }

int HexValue(unsigned char c) {
  return absl::ascii_isdigit(c) ? c - '0' : absl::ascii_tolower(c) - 'a' + 10;
}

}  // namespace

bool PythonReader::Fail(absl::string_view what) {
  if (fault_.empty()) fault_ = absl::StrCat(what, " at byte ", at_);
  return false;
}

void PythonReader::SkipSpace() {
  while (at_ < text_.size() && absl::ascii_isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
}

bool PythonReader::Take(absl::string_view token) {
  SkipSpace();
  if (!absl::StartsWith(text_.substr(at_), token)) return false;
  at_ += token.size();
  return true;
}

bool PythonReader::AtEnd() {
  SkipSpace();
  return at_ == text_.size();
}

std::string PythonReader::ReadName() {
  SkipSpace();
  const size_t begin = at_;
  if (at_ < text_.size() && IsNameStart(text_[at_])) {
    while (at_ < text_.size() && IsNameByte(text_[at_])) ++at_;
  }
  return std::string(text_.substr(begin, at_ - begin));
}

bool PythonReader::ReadCallList(std::vector<ToolCall>* calls) {
  if (!Take("[")) return Fail("expected a list of calls");
  do {
    ToolCall call;
    if (!ReadCall(&call)) return false;
    calls->push_back(std::move(call));
    if (Take("]")) return true;
    if (!Take(",")) return Fail("expected , or ]");
  } while (!Take("]"));
  return true;
}

bool PythonReader::ReadCallsToEnd(std::vector<ToolCall>* calls) {
  do {
    ToolCall call;
    if (!ReadCall(&call)) return false;
    calls->push_back(std::move(call));
    if (!Take(",")) Take(";");
  } while (!AtEnd());
  return true;
}

bool PythonReader::ReadCall(ToolCall* call) {
  call->arguments = json::object();
  do {
    const std::string part = ReadName();
    if (part.empty()) return Fail("expected the name of a function");
    absl::StrAppend(&call->name, call->name.empty() ? "" : ".", part);
  } while (Take("."));
  if (!Take("(")) return Fail("expected (");
  while (!Take(")")) {
    const std::string key = ReadName();
    if (key.empty() || !Take("=")) return Fail("expected a keyword argument");
    if (!ReadDictValue(key, &call->arguments)) return false;
    if (Take(")")) return true;
    if (!Take(",")) return Fail("expected , or )");
  }
  return true;
}

bool PythonReader::ReadValue(json* value) {
  SkipSpace();
  if (at_ == text_.size()) return Fail("expected a value, found the end");
  if (depth_ >= kMaxDepth) return Fail("too deep nesting");
  const unsigned char c = text_[at_];
  size_t prefix = 0;
  if (StringStarts(&prefix)) return ReadStrings(value);
  if (absl::ascii_isdigit(c) || c == '-' || c == '+' || c == '.') return ReadNumber(value);
  if (IsNameStart(c)) return ReadKeyword(value);
  ++depth_;
  bool read = false;
  if (Take("[")) {
    read = ReadList(']', value);
  } else if (Take("(")) {
    read = ReadList(')', value);
  } else if (Take("{")) {
    read = ReadBraces(value);
  } else {
    Fail("expected a value");
  }
  --depth_;
  return read;
}

bool PythonReader::ReadKeyword(json* value) {
  const std::string name = ReadName();
  if (name == "True" || name == "False") {
    *value = name == "True";
  } else if (name == "None") {
    *value = nullptr;
  } else {
    return Fail("a name where a value was expected");
  }
  return true;
}

// Digits with single underscores between them.
bool PythonReader::ReadDigits(std::string* digits, bool (*is_digit)(unsigned char)) {
  const size_t begin = at_;
  while (at_ < text_.size()) {
    const unsigned char c = text_[at_];
    const bool joins = c == '_' && at_ > begin && text_[at_ - 1] != '_' && at_ + 1 < text_.size() &&
                       is_digit(text_[at_ + 1]);
    if (!is_digit(c) && !joins) break;
    if (!joins) digits->push_back(static_cast<char>(c));
    ++at_;
  }
  return at_ > begin;
}

bool PythonReader::ReadInteger(const std::string& digits, int base, bool negative, json* value) {
  const unsigned char next = at_ < text_.size() ? text_[at_] : ' ';
  if (IsNameByte(next)) return Fail("a letter behind a number");
  uint64_t magnitude = 0;
  for (const unsigned char c : digits) {
    const uint64_t digit = HexValue(c);
    if (magnitude > (UINT64_MAX - digit) / base) return Fail("an integer beyond 64 bits");
    magnitude = magnitude * base + digit;
  }
  if (negative && magnitude > uint64_t{1} << 63) return Fail("an integer beyond 64 bits");
  if (negative) {
    *value = static_cast<int64_t>(-magnitude);
  } else if (magnitude <= uint64_t{INT64_MAX}) {
    *value = static_cast<int64_t>(magnitude);
  } else {
    *value = magnitude;
  }
  return true;
}

bool PythonReader::ReadNumber(json* value) {
  const bool negative = Take("-");
  if (!negative) Take("+");
  SkipSpace();
  std::string number;
  const std::string start = absl::AsciiStrToLower(text_.substr(at_, 2));
  if (start == "0x" || start == "0o" || start == "0b") {
    at_ += 2;
    const int base = start == "0x" ? 16 : start == "0o" ? 8 : 2;
    if (!ReadDigits(&number, base == 16 ? IsHex : base == 8 ? IsOctal : IsBinary)) {
      return Fail("expected digits");
    }
    return ReadInteger(number, base, negative, value);
  }
  const bool whole = ReadDigits(&number, IsDecimal);
  bool is_float = false;
  if (at_ < text_.size() && text_[at_] == '.') {
    is_float = true;
    number.push_back(text_[at_++]);
    if (!ReadDigits(&number, IsDecimal) && !whole) return Fail("expected a number");
  } else if (!whole) {
    return Fail("expected a number");
  }
  if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    is_float = true;
    number.push_back(text_[at_++]);
    if (at_ < text_.size() && (text_[at_] == '-' || text_[at_] == '+')) {
      number.push_back(text_[at_++]);
    }
    if (!ReadDigits(&number, IsDecimal)) return Fail("expected an exponent");
  }
  if (number.size() > kMaxNumberBytes) return Fail("a number of too many digits");
  if (!is_float) {
    if (number.size() > 1 && number[0] == '0' &&
        number.find_first_not_of('0') != std::string::npos) {
      return Fail("a number that begins with 0");
    }
    return ReadInteger(number, 10, negative, value);
  }
  if (at_ < text_.size() && IsNameByte(text_[at_])) return Fail("a letter behind a number");
  double parsed = 0;
  if (!absl::SimpleAtod(number, &parsed) || !std::isfinite(parsed)) {
    return Fail("a float beyond double");
  }
  *value = negative ? -parsed : parsed;
  return true;
}

// Whether a string begins here, with how many letters before its quote.
bool PythonReader::StringStarts(size_t* prefix) const {
  for (*prefix = 0; *prefix <= 1; ++*prefix) {
    const size_t quote = at_ + *prefix;
    if (quote < text_.size() && (text_[quote] == '"' || text_[quote] == '\'')) {
      return *prefix == 0 || absl::StrContains("rRuU", text_[at_]);
    }
  }
  return false;
}

bool PythonReader::ReadStrings(json* value) {
  std::string joined;
  size_t prefix = 0;
  do {
    if (!ReadString(&joined)) return false;
    SkipSpace();
  } while (StringStarts(&prefix));
  if (!IsUtf8(joined)) return Fail("a string that is not Unicode");
  *value = std::move(joined);
  return true;
}

bool PythonReader::ReadString(std::string* value) {
  size_t prefix = 0;
  StringStarts(&prefix);
  const bool raw = prefix > 0 && absl::ascii_tolower(text_[at_]) == 'r';
  at_ += prefix;
  std::string quote(1, text_[at_]);
  const std::string triple(3, text_[at_]);
  const bool is_triple = absl::StartsWith(text_.substr(at_), triple);
  if (is_triple) quote = triple;
  at_ += quote.size();
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (absl::StartsWith(text_.substr(at_), quote)) {
      at_ += quote.size();
      return true;
    }
    if (c == '\n' && !is_triple) return Fail("a line break in a string");
    if (c == '\\' && raw && at_ + 1 < text_.size()) {
      absl::StrAppend(value, text_.substr(at_, 2));  // the quote behind a backslash stays inside
      at_ += 2;
    } else if (c == '\\' && !raw) {
      if (!ReadEscape(value)) return false;
    } else {
      value->push_back(c);
      ++at_;
    }
  }
  return Fail("a string without end");
}

bool PythonReader::ReadCodePoint(int digits, char32_t* point) {
  *point = 0;
  for (int i = 0; i < digits; ++i, ++at_) {
    if (at_ >= text_.size() || !IsHex(text_[at_])) return Fail("a broken escape");
    *point = *point << 4 | HexValue(text_[at_]);
  }
  if (*point > 0x10FFFF || (*point >= 0xD800 && *point <= 0xDFFF)) {
    return Fail("an escape that is no character");
  }
  return true;
}

bool PythonReader::ReadEscape(std::string* value) {
  static constexpr absl::string_view kLetters = "abfnrtv\\'\"\n";
  static constexpr absl::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"";
  if (++at_ >= text_.size()) return Fail("a string without end");
  const char letter = text_[at_];
  const size_t known = kLetters.find(letter);
  if (known != absl::string_view::npos) {
    ++at_;
    if (known < kMeanings.size()) value->push_back(kMeanings[known]);  // "\<line break>" is nothing
    return true;
  }
  char32_t point = 0;
  if (IsOctal(letter)) {
    for (int i = 0; i < 3 && at_ < text_.size() && IsOctal(text_[at_]); ++i, ++at_) {
      point = point << 3 | (text_[at_] - '0');
    }
  } else if (letter == 'x' || letter == 'u' || letter == 'U') {
    ++at_;
    if (!ReadCodePoint(letter == 'x' ? 2 : letter == 'u' ? 4 : 8, &point)) return false;
  } else if (letter == 'N') {
    return Fail("a character by name");
  } else {
    value->push_back('\\');
    return true;
  }
  AppendUtf8(point, value);
  return true;
}

bool PythonReader::ReadList(char close, json* value) {
  *value = json::array();
  if (Take(std::string(1, close))) return true;
  json first;
  if (!ReadValue(&first)) return false;
  if (close == ')') {  // parentheses around one value make no tuple
    if (Take(")")) {
      *value = std::move(first);
      return true;
    }
  }
  value->push_back(std::move(first));
  return ReadItemsRest(close, value);
}

// Behind the first item.
bool PythonReader::ReadItemsRest(char close, json* value) {
  const std::string end(1, close);
  while (!Take(end)) {
    if (!Take(",")) return Fail("expected , or the end of a list");
    if (Take(end)) return true;
    json item;
    if (!ReadValue(&item)) return false;
    value->push_back(std::move(item));
  }
  return true;
}

bool PythonReader::ReadBraces(json* value) {
  *value = json::object();
  if (Take("}")) return true;
  json first;
  if (!ReadValue(&first)) return false;
  if (Take(":")) return ReadDictRest(first, value);
  *value = json::array({std::move(first)});
  return ReadItemsRest('}', value);
}

// Behind the first key and its colon.
bool PythonReader::ReadDictRest(const json& first_key, json* value) {
  json key = first_key;
  while (true) {
    if (!ReadDictValue(key, value)) return false;
    if (Take("}")) return true;
    if (!Take(",")) return Fail("expected , or }");
    if (Take("}")) return true;
    if (!ReadValue(&key)) return false;
    if (!Take(":")) return Fail("expected :");
  }
}

bool PythonReader::ReadDictValue(const json& key, json* object) {
  if (!key.is_string() && !key.is_number_integer()) return Fail("a key that is no string");
  const std::string name = key.is_string() ? key.get<std::string>() : key.dump();
  if (object->contains(name)) return Fail("a key that stands twice");
  json item;
  if (!ReadValue(&item)) return false;
  (*object)[name] = std::move(item);
  return true;
}

}  // namespace grpo
