// Upper, lower and title case as Python's str has them: one character may become several.
#pragma once

#include <string>

namespace grpo::jinja {

// Each appends the mapping of one character as UTF-8.
void AppendUpper(char32_t character, std::string* text);
void AppendLower(char32_t character, std::string* text);
void AppendTitle(char32_t character, std::string* text);

bool HasUpper(char32_t character);  // its upper case is another character
bool HasLower(char32_t character);

}  // namespace grpo::jinja
