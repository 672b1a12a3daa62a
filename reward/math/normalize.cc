#include <algorithm>
#include <cctype>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "data/utf8.h"
#include "reward/math/lexer.h"

namespace grpo {
namespace {

// Signs outside ASCII and what they mean. Superscripts and subscripts are handled apart.
const absl::flat_hash_map<char32_t, absl::string_view>& Signs() {
  static const auto* const signs =
      new absl::flat_hash_map<char32_t, absl::string_view>{{U'−', "-"},
                                                           {U'–', "-"},
                                                           {U'—', "-"},
                                                           {U'‐', "-"},
                                                           {U'‑', "-"},
                                                           {U'×', "\\times "},
                                                           {U'·', "\\cdot "},
                                                           {U'⋅', "\\cdot "},
                                                           {U'∙', "\\cdot "},
                                                           {U'÷', "\\div "},
                                                           {U'∕', "/"},
                                                           {U'⁄', "/"},
                                                           {U'√', "\\sqrt "},
                                                           {U'∛', "\\cbrt "},
                                                           {U'π', "\\pi "},
                                                           {U'𝜋', "\\pi "},
                                                           {U'∞', "\\infty "},
                                                           {U'≤', "\\le "},
                                                           {U'⩽', "\\le "},
                                                           {U'≥', "\\ge "},
                                                           {U'⩾', "\\ge "},
                                                           {U'≠', "\\ne "},
                                                           {U'≈', "\\approx "},
                                                           {U'∪', "\\cup "},
                                                           {U'∩', "\\cap "},
                                                           {U'∅', "\\emptyset "},
                                                           {U'∈', "\\in "},
                                                           {U'±', "\\pm "},
                                                           {U'∓', "\\mp "},
                                                           {U'°', "^\\circ "},
                                                           {U'º', "^\\circ "},
                                                           {U'∘', "\\circ "},
                                                           {U'½', "\\frac{1}{2}"},
                                                           {U'⅓', "\\frac{1}{3}"},
                                                           {U'⅔', "\\frac{2}{3}"},
                                                           {U'¼', "\\frac{1}{4}"},
                                                           {U'¾', "\\frac{3}{4}"},
                                                           {U'⅕', "\\frac{1}{5}"},
                                                           {U'⅖', "\\frac{2}{5}"},
                                                           {U'⅗', "\\frac{3}{5}"},
                                                           {U'⅘', "\\frac{4}{5}"},
                                                           {U'⅙', "\\frac{1}{6}"},
                                                           {U'⅚', "\\frac{5}{6}"},
                                                           {U'⅛', "\\frac{1}{8}"},
                                                           {U'⅜', "\\frac{3}{8}"},
                                                           {U'⅝', "\\frac{5}{8}"},
                                                           {U'⅞', "\\frac{7}{8}"},
                                                           {U'⅐', "\\frac{1}{7}"},
                                                           {U'⅑', "\\frac{1}{9}"},
                                                           {U'⅒', "\\frac{1}{10}"},
                                                           {U'α', "\\alpha "},
                                                           {U'β', "\\beta "},
                                                           {U'γ', "\\gamma "},
                                                           {U'δ', "\\delta "},
                                                           {U'ε', "\\epsilon "},
                                                           {U'θ', "\\theta "},
                                                           {U'λ', "\\lambda "},
                                                           {U'μ', "\\mu "},
                                                           {U'ρ', "\\rho "},
                                                           {U'σ', "\\sigma "},
                                                           {U'τ', "\\tau "},
                                                           {U'φ', "\\phi "},
                                                           {U'ϕ', "\\phi "},
                                                           {U'ω', "\\omega "},
                                                           {U'Δ', "\\Delta "},
                                                           {U'Ω', "\\Omega "},
                                                           {U'ℝ', "\\mathbb{R}"},
                                                           {U'…', "\\ldots "},
                                                           {U'⟨', "\\langle "},
                                                           {U'⟩', "\\rangle "},
                                                           {U'⌊', "\\lfloor "},
                                                           {U'⌋', "\\rfloor "},
                                                           {U'⌈', "\\lceil "},
                                                           {U'⌉', "\\rceil "},
                                                           {U'′', "'"},
                                                           {U'，', ","},
                                                           {U'、', ", "},
                                                           {U'。', "."},
                                                           {U'∶', ":"},
                                                           {U'€', " "},
                                                           {U'£', " "},
                                                           {U'¥', " "},
                                                           {U'₹', " "},
                                                           {U'∖', "\\setminus "},
                                                           {U'‰', "\\permille "},
                                                           {U'ⅇ', "e"},
                                                           {U'ⅈ', "i"},
                                                           {U'\u200B', ""},
                                                           {U'\uFEFF', ""},
                                                           {U'“', ""},
                                                           {U'”', ""},
                                                           {U'’', "'"}};
  return *signs;
}

// The character that a superscript or subscript stands for, 0 for others.
char Raised(char32_t c) {
  switch (c) {
    case U'⁰':
      return '0';
    case U'¹':
      return '1';
    case U'²':
      return '2';
    case U'³':
      return '3';
    case U'⁺':
      return '+';
    case U'⁻':
      return '-';
    case U'⁽':
      return '(';
    case U'⁾':
      return ')';
    case U'ⁿ':
      return 'n';
    case U'ⁱ':
      return 'i';
    case U'ˣ':
      return 'x';
    default:
      break;
  }
  return c >= U'⁴' && c <= U'⁹' ? static_cast<char>('4' + (c - U'⁴')) : 0;
}

char Lowered(char32_t c) {
  if (c >= U'₀' && c <= U'₉') return static_cast<char>('0' + (c - U'₀'));
  return c == U'ₙ' ? 'n' : c == U'ₖ' ? 'k' : c == U'ᵢ' ? 'i' : 0;
}

class MathNormalizer {
 public:
  explicit MathNormalizer(absl::string_view text) : rest_(text) {}

  std::string Run() {
    while (!rest_.empty() && result_.size() <= kMaxMathBytes) Step();
    return std::move(result_);
  }

 private:
  void Step() {
    const unsigned char c = static_cast<unsigned char>(rest_[0]);
    if (c >= 0x80) {
      Unicode();
    } else if (c == '\\') {
      Backslash();
    } else {
      rest_.remove_prefix(1);
      Ascii(static_cast<char>(c));
    }
  }

  void Ascii(char c) {
    if (c == '$' || c == '~' || c < ' ') c = ' ';
    if (c == '-' || c == '+') {
      Sign(c);
    } else if (c == ' ' && drop_spaces_) {
      return;
    } else {
      result_ += c;
    }
    drop_spaces_ = false;
  }

  // "--" is "+", "+-" is "-": hostile runs of signs become one.
  void Sign(char c) {
    size_t last = result_.size();
    while (last > 0 && result_[last - 1] == ' ') --last;
    if (last > 0 && (result_[last - 1] == '-' || result_[last - 1] == '+')) {
      result_.resize(last);
      result_.back() = (result_.back() == c) ? '+' : '-';
    } else {
      result_ += c;
    }
  }

  void Backslash() {
    if (rest_.size() == 1) {
      rest_ = {};
      return;
    }
    const char next = rest_[1];
    if (next == '\\') {
      DoubleBackslash();
      return;
    }
    if (absl::ascii_isalpha(next)) {
      CopyCommand();
      return;
    }
    rest_.remove_prefix(2);
    if (next == '!') {
      if (!result_.empty() && result_.back() == ',') {
        result_.back() = '{';
        result_ += ",}";
      }
      drop_spaces_ = !result_.empty() && result_.back() == '}';
    } else if (next == '{' || next == '}' || next == '%' || next == '|') {
      result_ += '\\';
      result_ += next;
    } else if (next == '&' || next == '#' || next == '_' || next == '-' || next == '/') {
      if (next != '-' && next != '/') result_ += next;
    } else {
      result_ += ' ';  // \, \; \: \( \) \[ \] \$ and an escaped space
    }
  }

  // In a matrix \\ ends a row; before letters elsewhere it is a backslash written twice.
  void DoubleBackslash() {
    const bool command =
        rest_.size() > 2 && (absl::ascii_isalpha(rest_[2]) || rest_[2] == '{' || rest_[2] == '}');
    rest_.remove_prefix(environments_ == 0 && command ? 1 : 2);
    if (environments_ == 0 && command) {
      Backslash();
    } else {
      result_ += "\\\\";
    }
  }

  void CopyCommand() {
    size_t end = 1;
    while (end < rest_.size() && absl::ascii_isalpha(rest_[end])) ++end;
    const absl::string_view name = rest_.substr(1, end - 1);
    if (name == "begin") ++environments_;
    if (name == "end") environments_ = std::max(0, environments_ - 1);
    if (name == "n") {
      result_ += ' ';
    } else {
      absl::StrAppend(&result_, rest_.substr(0, end));
    }
    rest_.remove_prefix(end);
  }

  void Unicode() {
    const size_t size = Utf8CharacterSize(rest_);
    if (size == 0) {
      result_ += '?';
      rest_.remove_prefix(1);
      return;
    }
    const char32_t c = DecodeUtf8(rest_);
    if (Raised(c) != 0 || Lowered(c) != 0) {
      Scripts(Raised(c) != 0);
      return;
    }
    const absl::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    const auto sign = Signs().find(c);
    if (c >= U'！' && c <= U'～' && sign == Signs().end()) {
      Ascii(static_cast<char>(c - U'！' + '!'));
    } else if (IsWhiteSpace(c)) {
      result_ += ' ';
    } else if (sign == Signs().end()) {
      absl::StrAppend(&result_, bytes);
    } else if (sign->second == "-") {
      Sign('-');
    } else {
      absl::StrAppend(&result_, sign->second);
    }
  }

  void Scripts(bool raised) {
    absl::StrAppend(&result_, raised ? "^{" : "_{");
    while (!rest_.empty()) {
      const size_t size = Utf8CharacterSize(rest_);
      if (size == 0) break;
      const char32_t c = DecodeUtf8(rest_);
      const char plain = raised ? Raised(c) : Lowered(c);
      if (plain == 0) break;
      result_ += plain;
      rest_.remove_prefix(size);
    }
    result_ += '}';
  }

  absl::string_view rest_;
  std::string result_;
  int environments_ = 0;
  bool drop_spaces_ = false;
};

}  // namespace

std::string NormalizeMath(absl::string_view text) { return MathNormalizer(text).Run(); }

}  // namespace grpo
