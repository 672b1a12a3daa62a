// Splits an answer in LaTeX, plain text or the text of an algebra system into tokens.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace grpo {

enum class TokenType : uint8_t {
  kEnd,
  kNumber,    // digits with at most one '.'; thousands separators are removed
  kVariable,  // a letter, a Greek name, "vec i" for a unit vector
  kFunction,  // "sin", "ln", "sqrt", "frac", … without the backslash
  kWord,      // of a unit or of running text
  kJoiner,    // "and", "or"
  kRelation,  // "=", "~" (approximately), "<", "<=", ">", ">=", "!=", "in"
  kSymbol,    // an operator, bracket or separator, as "+", "(", "\{", "cup", "pm", "row" (\\)
};

struct Token {
  TokenType type = TokenType::kEnd;
  std::string text;
  bool space_before = false;
  bool in_text = false;  // inside \text{…}
};

// How "1,234" is meant.
enum class CommaReading : uint8_t {
  kThousands,  // groups of three digits are one number, every other comma separates
  kSeparator,  // every comma separates
  kDecimal,    // a comma between digits is a decimal point
};

inline constexpr size_t kMaxMathBytes = 8192;  // of an answer after NormalizeMath
inline constexpr size_t kMaxRawMathBytes = 32768;

// Unicode signs become LaTeX or ASCII, dollar signs and spacing commands white space, runs of signs
// one sign. Linear in the text.
std::string NormalizeMath(absl::string_view text);

// The tokens of a normalised text, kEnd last. Anything unknown becomes a kSymbol of its own, which
// the parser refuses. Linear in the text, but for names of commands, which are short.
std::vector<Token> Tokenize(absl::string_view normalized, CommaReading commas);

// Whether the readings of the commas differ.
bool HasAmbiguousComma(absl::string_view normalized);

}  // namespace grpo
