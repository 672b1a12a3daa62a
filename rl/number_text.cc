#include "rl/number_text.h"

#include <charconv>

namespace grpo {

std::string ShortDouble(double value) {
  char buffer[64];
  const std::to_chars_result end = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return std::string(buffer, end.ptr);
}

std::string ExactDouble(double value) {
  std::string text = ShortDouble(value);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

}  // namespace grpo
