// Values and calls as Python writes them, without running anything.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

#include "reward/tools/tool_call.h"

namespace grpo {

// Reads Python literals from the start of a text: strings (any quotes, r and u prefixes, escapes,
// pieces side by side), integers in all bases, floats, one sign before a number, True, False, None,
// lists, tuples, sets (all three become JSON lists) and dicts with string or integer keys, each key
// once. Names, expressions, f-strings, bytes, complex numbers, integers beyond 64 bits and floats
// beyond double are refused, as is more than 64 levels of nesting. Linear time.
class PythonReader {
 public:
  // `text` is UTF-8 and outlives the reader.
  explicit PythonReader(absl::string_view text) : text_(text) {}

  // Each reads one thing and says whether it was there; what was wrong is in fault().
  bool ReadValue(nlohmann::json* value);
  // name(key=value, …): keyword arguments alone, each once; the name may have dots.
  bool ReadCall(ToolCall* call);
  // [f(a=1), g()], at least one call.
  bool ReadCallList(std::vector<ToolCall>* calls);
  // Calls one after the other up to the end of the text, with line breaks, ',' or ';' between them.
  bool ReadCallsToEnd(std::vector<ToolCall>* calls);

  // Whether nothing but white space is left.
  bool AtEnd();
  size_t position() const { return at_; }  // bytes read
  const std::string& fault() const { return fault_; }

 private:
  bool Fail(absl::string_view what);
  void SkipSpace();
  bool Take(absl::string_view token);
  std::string ReadName();
  bool ReadKeyword(nlohmann::json* value);
  bool ReadNumber(nlohmann::json* value);
  bool ReadDigits(std::string* digits, bool (*is_digit)(unsigned char));
  bool ReadInteger(const std::string& digits, int base, bool negative, nlohmann::json* value);
  bool StringStarts(size_t* prefix) const;
  bool ReadStrings(nlohmann::json* value);
  bool ReadString(std::string* value);
  bool ReadEscape(std::string* value);
  bool ReadCodePoint(int digits, char32_t* point);
  bool ReadList(char close, nlohmann::json* value);
  bool ReadBraces(nlohmann::json* value);
  bool ReadDictRest(const nlohmann::json& first_key, nlohmann::json* value);
  bool ReadItemsRest(char close, nlohmann::json* value);
  bool ReadDictValue(const nlohmann::json& key, nlohmann::json* object);

  absl::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
  std::string fault_;
};

}  // namespace grpo
