#include "reward/math/lexer.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "reward/math/unit.h"

namespace grpo {
namespace {

using Meaning = std::pair<TokenType, absl::string_view>;

// Commands of LaTeX; those with an empty text are left out.
const absl::flat_hash_map<absl::string_view, Meaning>& Commands() {
  using T = TokenType;
  static const auto* const commands = [] {
    auto* map = new absl::flat_hash_map<absl::string_view, Meaning>{
        {"times", {T::kSymbol, "*"}},
        {"cdot", {T::kSymbol, "*"}},
        {"ast", {T::kSymbol, "*"}},
        {"cdotp", {T::kSymbol, "*"}},
        {"div", {T::kSymbol, "/"}},
        {"le", {T::kRelation, "<="}},
        {"leq", {T::kRelation, "<="}},
        {"leqslant", {T::kRelation, "<="}},
        {"ge", {T::kRelation, ">="}},
        {"geq", {T::kRelation, ">="}},
        {"geqslant", {T::kRelation, ">="}},
        {"ne", {T::kRelation, "!="}},
        {"neq", {T::kRelation, "!="}},
        {"lt", {T::kRelation, "<"}},
        {"gt", {T::kRelation, ">"}},
        {"approx", {T::kRelation, "~"}},
        {"simeq", {T::kRelation, "~"}},
        {"thickapprox", {T::kRelation, "~"}},
        {"equiv", {T::kRelation, "="}},
        {"in", {T::kRelation, "in"}},
        {"cup", {T::kSymbol, "cup"}},
        {"cap", {T::kSymbol, "cap"}},
        {"setminus", {T::kSymbol, "setminus"}},
        {"backslash", {T::kSymbol, "setminus"}},
        {"pm", {T::kSymbol, "pm"}},
        {"mp", {T::kSymbol, "mp"}},
        {"infty", {T::kFunction, "infty"}},
        {"pi", {T::kFunction, "pi"}},
        {"circ", {T::kSymbol, "circ"}},
        {"degree", {T::kSymbol, "degree"}},
        {"langle", {T::kSymbol, "<<"}},
        {"rangle", {T::kSymbol, ">>"}},
        {"lfloor", {T::kSymbol, "lfloor"}},
        {"rfloor", {T::kSymbol, "rfloor"}},
        {"lceil", {T::kSymbol, "lceil"}},
        {"rceil", {T::kSymbol, "rceil"}},
        {"lvert", {T::kSymbol, "|"}},
        {"rvert", {T::kSymbol, "|"}},
        {"vert", {T::kSymbol, "|"}},
        {"mid", {T::kSymbol, "|"}},
        {"lbrace", {T::kSymbol, "\\{"}},
        {"rbrace", {T::kSymbol, "\\}"}},
        {"lbrack", {T::kSymbol, "["}},
        {"rbrack", {T::kSymbol, "]"}},
        {"colon", {T::kSymbol, ":"}},
        {"emptyset", {T::kFunction, "emptyset"}},
        {"varnothing", {T::kFunction, "emptyset"}},
        {"over", {T::kSymbol, "over"}},
        {"bmod", {T::kSymbol, "mod"}},
        {"mod", {T::kSymbol, "mod"}},
        {"land", {T::kJoiner, "and"}},
        {"lor", {T::kJoiner, "or"}},
        {"dfrac", {T::kFunction, "frac"}},
        {"tfrac", {T::kFunction, "frac"}},
        {"cfrac", {T::kFunction, "frac"}},
        {"nicefrac", {T::kFunction, "frac"}},
        {"sfrac", {T::kFunction, "frac"}},
        {"dbinom", {T::kFunction, "binom"}},
        {"tbinom", {T::kFunction, "binom"}},
        {"sup", {T::kWord, "sup"}},
        {"ldots", {T::kSymbol, "dots"}},
        {"cdots", {T::kSymbol, "dots"}},
        {"dots", {T::kSymbol, "dots"}},
        {"dotsc", {T::kSymbol, "dots"}},
        {"percent", {T::kSymbol, "%"}},
        {"prime", {T::kSymbol, "'"}}};
    for (const absl::string_view name :
         {"left",         "right",     "big",        "Big",      "bigg",   "Bigg",    "bigl",
          "bigr",         "Bigl",      "Bigr",       "biggl",    "biggr",  "quad",    "qquad",
          "displaystyle", "textstyle", "limits",     "nolimits", "middle", "boxed",   "fbox",
          "mathbf",       "mathit",    "boldsymbol", "bm",       "mathsf", "mathtt",  "mathcal",
          "ensuremath",   "bf",        "rm",         "it",       "hfill",  "phantom", "thinspace",
          "enspace",      "space"}) {
      (*map)[name] = {T::kSymbol, ""};
    }
    for (const absl::string_view name :
         {"frac",   "sqrt",   "cbrt",     "sin",  "cos",  "tan",   "cot",  "sec", "csc",
          "arcsin", "arccos", "arctan",   "sinh", "cosh", "tanh",  "ln",   "log", "lg",
          "exp",    "binom",  "choose",   "gcd",  "lcm",  "min",   "max",  "sum", "prod",
          "begin",  "end",    "overline", "dot",  "abs",  "floor", "ceil", "bar"}) {
      (*map)[name] = {T::kFunction, name};
    }
    for (const absl::string_view name :
         {"alpha", "beta",     "gamma", "delta",   "epsilon", "varepsilon", "zeta",  "eta",
          "theta", "vartheta", "iota",  "kappa",   "lambda",  "mu",         "nu",    "xi",
          "rho",   "sigma",    "tau",   "upsilon", "phi",     "varphi",     "chi",   "psi",
          "omega", "Gamma",    "Delta", "Theta",   "Lambda",  "Xi",         "Sigma", "Phi",
          "Psi",   "Omega",    "ell",   "hbar",    "angle",   "triangle"}) {
      (*map)[name] = {T::kVariable, name};
    }
    return map;
  }();
  return *commands;
}

// Names in plain text that mean what the command of the same or another name means.
const absl::flat_hash_map<absl::string_view, Meaning>& PlainNames() {
  using T = TokenType;
  static const auto* const names = new absl::flat_hash_map<absl::string_view, Meaning>{
      {"sin", {T::kFunction, "sin"}},       {"cos", {T::kFunction, "cos"}},
      {"tan", {T::kFunction, "tan"}},       {"cot", {T::kFunction, "cot"}},
      {"sec", {T::kFunction, "sec"}},       {"csc", {T::kFunction, "csc"}},
      {"arcsin", {T::kFunction, "arcsin"}}, {"arccos", {T::kFunction, "arccos"}},
      {"arctan", {T::kFunction, "arctan"}}, {"asin", {T::kFunction, "arcsin"}},
      {"acos", {T::kFunction, "arccos"}},   {"atan", {T::kFunction, "arctan"}},
      {"sinh", {T::kFunction, "sinh"}},     {"cosh", {T::kFunction, "cosh"}},
      {"tanh", {T::kFunction, "tanh"}},     {"ln", {T::kFunction, "ln"}},
      {"log", {T::kFunction, "plainlog"}},  {"exp", {T::kFunction, "exp"}},
      {"sqrt", {T::kFunction, "sqrt"}},     {"cbrt", {T::kFunction, "cbrt"}},
      {"pi", {T::kFunction, "pi"}},         {"infinity", {T::kFunction, "infty"}},
      {"infty", {T::kFunction, "infty"}},   {"oo", {T::kFunction, "infty"}},
      {"inf", {T::kFunction, "infty"}},     {"abs", {T::kFunction, "abs"}},
      {"floor", {T::kFunction, "floor"}},   {"ceil", {T::kFunction, "ceil"}},
      {"ceiling", {T::kFunction, "ceil"}},  {"min", {T::kFunction, "min"}},
      {"max", {T::kFunction, "max"}},       {"gcd", {T::kFunction, "gcd"}},
      {"lcm", {T::kFunction, "lcm"}},       {"binomial", {T::kFunction, "binom"}},
      {"mod", {T::kSymbol, "mod"}},         {"and", {T::kJoiner, "and"}},
      {"or", {T::kJoiner, "or"}},           {"theta", {T::kVariable, "theta"}},
      {"alpha", {T::kVariable, "alpha"}},   {"beta", {T::kVariable, "beta"}},
      {"lambda", {T::kVariable, "lambda"}}, {"emptyset", {T::kFunction, "emptyset"}},
      {"union", {T::kSymbol, "cup"}},       {"cup", {T::kSymbol, "cup"}},
      {"degrees", {T::kWord, "degrees"}},   {"degree", {T::kWord, "degrees"}},
      {"percent", {T::kWord, "percent"}},   {"pct", {T::kWord, "percent"}},
      {"percentage", {T::kWord, "percent"}}};
  return *names;
}

bool IsTextCommand(absl::string_view name) {
  return name == "text" || name == "textbf" || name == "textit" || name == "textrm" ||
         name == "mbox" || name == "textnormal" || name == "textsf" || name == "texttt" ||
         name == "mathrm" || name == "operatorname" || name == "hbox" || name == "emph" ||
         name == "textup" || name == "rm";
}

bool IsVectorCommand(absl::string_view name) {
  return name == "hat" || name == "vec" || name == "mathbf" || name == "overrightarrow" ||
         name == "bold";
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsAscii(absl::string_view text) {
  return absl::c_all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

class Lexer {
 public:
  Lexer(absl::string_view text, CommaReading commas) : text_(text), commas_(commas) {}

  std::vector<Token> Run() {
    Scan(text_.size(), /*in_text=*/false, /*depth=*/0);
    Push(TokenType::kEnd, "");
    return std::move(tokens_);
  }

 private:
  void Push(TokenType type, absl::string_view text) {
    tokens_.push_back({type, std::string(text), space_, in_text_});
    space_ = false;
  }

  // Nested \text{…} recurse, so their depth is bounded; deeper ones are refused by the parser.
  void Scan(size_t end, bool in_text, int depth) {
    const bool outer = in_text_;
    in_text_ = in_text;
    while (position_ < end) Next(end, depth);
    in_text_ = outer;
  }

  void Next(size_t end, int depth) {
    const char c = text_[position_];
    if (c == ' ') {
      space_ = true;
      ++position_;
    } else if (IsDigit(c) || (c == '.' && At(1) != 0 && IsDigit(At(1)))) {
      Number(end);
    } else if (absl::ascii_isalpha(c) || (static_cast<unsigned char>(c) >= 0x80)) {
      Letters(end);
    } else if (c == '\\') {
      Command(end, depth);
    } else {
      Punctuation(c);
    }
  }

  char At(size_t offset) const {
    return position_ + offset < text_.size() ? text_[position_ + offset] : 0;
  }

  // Digits of one group from `from`.
  size_t DigitsFrom(size_t from, size_t end) const {
    size_t size = 0;
    while (from + size < end && IsDigit(text_[from + size])) ++size;
    return size;
  }

  // Bytes of a thousands separator at `from` with exactly three digits behind it; 0 if there is
  // none.
  size_t ThousandsSeparator(size_t from, size_t end) const {
    for (const absl::string_view separator : {"{,}", "{, }", " {,}", " {, }", ",", " "}) {
      if (!absl::StartsWith(text_.substr(from), separator)) continue;
      const bool sure = separator.find('{') != absl::string_view::npos;
      if (separator == "," && (commas_ != CommaReading::kThousands || brackets_ > 0)) continue;
      if (separator == " " && (brackets_ > 0 || commas_ == CommaReading::kSeparator)) continue;
      size_t start = from + separator.size();
      if (sure) {
        while (start < end && text_[start] == ' ') ++start;
      }
      if (DigitsFrom(start, end) == 3) return start - from;
    }
    return 0;
  }

  // 12.345.678: a first group of thousands behind a dot needs a second one.
  bool DotThousands(size_t end) const {
    if (At(0) != '.' || DigitsFrom(position_ + 1, end) != 3) return false;
    if (dotted_) return true;
    return position_ + 4 < end && text_[position_ + 4] == '.' &&
           DigitsFrom(position_ + 5, end) == 3;
  }

  void Number(size_t end) {
    const size_t first = DigitsFrom(position_, end);
    std::string digits(text_.substr(position_, first));
    position_ += first;
    if (first >= 1 && first <= 3 && digits[0] != '0') {
      while (const size_t size = ThousandsSeparator(position_, end)) {
        absl::StrAppend(&digits, text_.substr(position_ + size, 3));
        position_ += size + 3;
      }
      while (DotThousands(end)) {
        absl::StrAppend(&digits, text_.substr(position_ + 1, 3));
        position_ += 4;
        dotted_ = true;
      }
      dotted_ = false;
    }
    const bool decimal_comma = commas_ == CommaReading::kDecimal && brackets_ == 0 &&
                               At(0) == ',' && DigitsFrom(position_ + 1, end) > 0;
    if (position_ < end && (decimal_comma || At(0) == '.')) {
      const size_t fraction = DigitsFrom(position_ + 1, end);
      if (digits.empty()) digits = "0";
      if (fraction > 0) absl::StrAppend(&digits, ".", text_.substr(position_ + 1, fraction));
      const bool repeats =
          fraction == 0 && (absl::StartsWith(text_.substr(position_ + 1), "\\overline") ||
                            absl::StartsWith(text_.substr(position_ + 1), "\\dot") || At(1) == '(');
      if (repeats) digits += '.';
      position_ += 1 + fraction;
    }
    Push(TokenType::kNumber, digits);
  }

  void Letters(size_t end) {
    size_t size = 0;
    while (position_ + size < end &&
           (absl::ascii_isalpha(text_[position_ + size]) ||
            static_cast<unsigned char>(text_[position_ + size]) >= 0x80)) {
      ++size;
    }
    const absl::string_view run = text_.substr(position_, size);
    position_ += size;
    // Scientific notation: 1.2e3.
    if ((run == "e" || run == "E") && !tokens_.empty() && !space_ && !in_text_ &&
        tokens_.back().type == TokenType::kNumber && Exponent(end)) {
      return;
    }
    Name(run);
  }

  bool Exponent(size_t end) {
    const size_t sign = At(0) == '-' || At(0) == '+' ? 1 : 0;
    const size_t digits = DigitsFrom(position_ + sign, end);
    if (digits == 0) return false;
    const bool negative = sign == 1 && At(0) == '-';
    const absl::string_view exponent = text_.substr(position_ + sign, digits);
    position_ += sign + digits;
    Push(TokenType::kSymbol, "scientific");
    if (negative) Push(TokenType::kSymbol, "-");
    Push(TokenType::kNumber, exponent);
    return true;
  }

  void Name(absl::string_view run) {
    const auto known = PlainNames().find(run);
    if (run == "min" && (in_text_ || BehindValue())) {
      Push(TokenType::kWord, run);  // minutes
    } else if (known != PlainNames().end()) {
      Push(known->second.first, known->second.second);
    } else if (in_text_) {
      Push(TokenType::kWord, run);
    } else if (run.size() == 1) {
      Push(TokenType::kVariable, run);
    } else if (!IsAscii(run)) {
      Push(TokenType::kWord, run);
    } else if (IsWholeWord(run)) {
      Push(TokenType::kWord, run);
    } else {
      Split(run);
    }
  }

  // Behind a number a known unit; elsewhere a long run of letters that is no product.
  bool IsWholeWord(absl::string_view run) const {
    if (BehindValue() && IsUnitWord(run)) return true;
    if (BehindValue() && !space_) return false;
    const size_t name = LongestName(run);
    if (name > 0 && run.size() - name <= 2) return false;  // sinx
    size_t lower = 0;
    for (const char c : run) lower += absl::ascii_islower(c) ? 1 : 0;
    return run.size() >= 4 && lower + 1 >= run.size();
  }

  bool BehindValue() const {
    return !tokens_.empty() &&
           (tokens_.back().type == TokenType::kNumber || tokens_.back().type == TokenType::kWord ||
            tokens_.back().text == ")" || tokens_.back().text == "}");
  }

  // Letters of the longest known name of at least two letters at the start.
  static size_t LongestName(absl::string_view run) {
    for (size_t size = std::min<size_t>(run.size(), 8); size >= 2; --size) {
      const auto known = PlainNames().find(run.substr(0, size));
      if (known == PlainNames().end()) continue;
      if (size == 2 && known->first != "pi" && known->first != "or" && known->first != "ln") {
        continue;
      }
      return size;
    }
    return 0;
  }

  // "xsinx" as x sin x, "orW" behind a number as or W, "ab" as a b.
  void Split(absl::string_view run) {
    while (!run.empty()) {
      size_t size = LongestName(run);
      const bool joiner =
          size > 0 && PlainNames().at(run.substr(0, size)).first == TokenType::kJoiner;
      if (joiner && (tokens_.empty() ||
                     (tokens_.back().type != TokenType::kNumber && tokens_.back().text != ")"))) {
        size = 0;
      }
      if (size == 0) {
        Push(TokenType::kVariable, run.substr(0, 1));
        run.remove_prefix(1);
      } else {
        const Meaning meaning = PlainNames().at(run.substr(0, size));
        Push(meaning.first, meaning.second);
        run.remove_prefix(size);
      }
    }
  }

  void Command(size_t end, int depth) {
    if (At(1) == '\\') {
      Push(TokenType::kSymbol, "row");
      position_ += 2;
      return;
    }
    if (!absl::ascii_isalpha(At(1))) {
      SpecialBrace();
      return;
    }
    size_t size = 1;
    while (absl::ascii_isalpha(At(size))) ++size;
    absl::string_view name = text_.substr(position_ + 1, size - 1);
    if (IsTextCommand(name)) {
      position_ += size;
      TextGroup(name, end, depth);
      return;
    }
    if (IsVectorCommand(name) && VectorName(size)) return;
    if (name == "mathbb") {
      position_ += size;
      if (absl::StartsWith(text_.substr(position_), "{R}")) position_ += 3;
      Push(TokenType::kFunction, "reals");
      return;
    }
    auto meaning = Commands().find(name);
    while (meaning == Commands().end() && name.size() > 1) {
      name.remove_suffix(1);
      meaning = Commands().find(name);
    }
    if (meaning == Commands().end()) {
      name = text_.substr(position_ + 1, size - 1);
      position_ += size;
      Push(TokenType::kVariable, absl::StrCat("\\", name));
      return;
    }
    position_ += 1 + name.size();
    if (name == "begin" || name == "end") {
      Environment(name);
    } else if (!meaning->second.second.empty()) {
      Push(meaning->second.first, meaning->second.second);
    } else if (absl::EndsWith(name, "quad")) {
      space_ = true;
    } else if ((name == "left" || name == "right") && At(0) == '.') {
      ++position_;
    }
  }

  // \begin{array}{cc} becomes one token "begin array".
  void Environment(absl::string_view name) {
    std::string symbol(name);
    if (At(0) == '{') {
      const size_t close = text_.find('}', position_);
      if (close != absl::string_view::npos) {
        absl::StrAppend(&symbol, " ", text_.substr(position_ + 1, close - position_ - 1));
        position_ = close + 1;
      }
    }
    if (symbol == "begin array" && At(0) == '{') {
      const size_t close = text_.find('}', position_);
      position_ = close == absl::string_view::npos ? text_.size() : close + 1;
    }
    Push(TokenType::kFunction, symbol);
  }

  void SpecialBrace() {
    if (At(1) == '{' || At(1) == '}') {
      brackets_ += At(1) == '{' ? 1 : -1;
      Push(TokenType::kSymbol, At(1) == '{' ? "\\{" : "\\}");
    } else if (At(1) == '%') {
      Push(TokenType::kSymbol, "%");
    } else {
      Push(TokenType::kSymbol, "\\|");
    }
    position_ += 2;
  }

  // \hat{i}, \mathbf{j}, \vec i: unit vectors and names of vectors.
  bool VectorName(size_t size) {
    size_t at = position_ + size;
    while (at < text_.size() && text_[at] == ' ') ++at;
    const bool braced = at < text_.size() && text_[at] == '{';
    if (braced) ++at;
    if (at >= text_.size()) return false;
    size_t length = 1;
    if (absl::StartsWith(text_.substr(at), "\\imath") ||
        absl::StartsWith(text_.substr(at), "\\jmath")) {
      length = 6;
    }
    const char letter = length == 6 ? text_[at + 1] : text_[at];
    if (!absl::ascii_isalpha(letter)) return false;
    if (braced && (at + length >= text_.size() || text_[at + length] != '}')) return false;
    position_ = at + length + (braced ? 1 : 0);
    Push(TokenType::kVariable, absl::StrCat("vec ", absl::string_view(&letter, 1)));
    return true;
  }

  void TextGroup(absl::string_view name, size_t end, int depth) {
    while (At(0) == ' ') ++position_;
    if (At(0) != '{') return;
    size_t close = position_ + 1;
    for (int level = 1; close < end; ++close) {
      if (text_[close] == '\\') {
        ++close;
      } else if (text_[close] == '{') {
        ++level;
      } else if (text_[close] == '}' && --level == 0) {
        break;
      }
    }
    if (close >= end || depth >= 8) {
      Push(TokenType::kSymbol, "?");
      position_ = std::min(close + 1, end);
      return;
    }
    ++position_;
    const bool upright = name == "mathrm" || name == "operatorname" || name == "rm";
    const bool math = upright && close - position_ <= 1;  // \mathrm{e}
    if (!math) space_ = true;
    Scan(close, !math, depth + 1);
    position_ = std::max(position_, close + 1);
  }

  void Punctuation(char c) {
    const char next = At(1);
    std::string symbol(1, c);
    TokenType type = TokenType::kSymbol;
    if (c == '(' || c == '[') ++brackets_;
    if (c == ')' || c == ']') --brackets_;
    if (c == '<' || c == '>' || c == '=' || (c == '!' && next == '=')) {
      type = TokenType::kRelation;
      if (next == '=') symbol += next;
      if (symbol == "==") symbol = "=";
      position_ += (next == '=') ? 1 : 0;
    } else if (c == '*' && next == '*') {
      symbol = "^";
      ++position_;
    } else if (c == '{' && absl::StartsWith(text_.substr(position_), "{,}")) {
      symbol = ",";
      position_ += 2;
    } else if (c == '{' && absl::StartsWith(text_.substr(position_), "{:}")) {
      symbol = ":";
      position_ += 2;
    }
    ++position_;
    Push(type, symbol);
  }

  absl::string_view text_;
  CommaReading commas_;
  size_t position_ = 0;
  int brackets_ = 0;     // open ( [ and \{, inside which a comma separates
  bool dotted_ = false;  // behind a group of thousands with a dot
  bool space_ = false;
  bool in_text_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> Tokenize(absl::string_view normalized, CommaReading commas) {
  return Lexer(normalized, commas).Run();
}

bool HasAmbiguousComma(absl::string_view normalized) {
  for (size_t comma = normalized.find(','); comma != absl::string_view::npos;
       comma = normalized.find(',', comma + 1)) {
    if (comma > 0 && IsDigit(normalized[comma - 1]) && comma + 1 < normalized.size() &&
        IsDigit(normalized[comma + 1])) {
      return true;
    }
  }
  return false;
}

}  // namespace grpo
