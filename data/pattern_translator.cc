#include "data/pattern_translator.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include <pcre2.h>

#include "data/unicode_tables.h"

namespace grpo {
namespace {

constexpr size_t kMaxSetDepth = 32;

// Unicode's White_Space. PCRE2's own \s has U+180E too, which left that property in Unicode 6.3.
constexpr char kWhiteSpace[] = R"(\x{9}-\x{d}\x{85}\p{Z})";

struct NamedClass {
  const char* name;
  const char* properties;  // whose characters together are the class
};

// Oniguruma's names, where they are not PCRE2's.
constexpr NamedClass kLongNames[] = {{"Letter", "L"},         {"Mark", "M"},   {"Number", "N"},
                                     {"Punctuation", "P"},    {"Symbol", "S"}, {"Separator", "Z"},
                                     {"Alpha", "Alphabetic"}, {"Digit", "Nd"}};
constexpr NamedClass kPosixClasses[] = {
    {"alpha", "Alphabetic"}, {"digit", "Nd"}, {"alnum", "Alphabetic Nd"}, {"punct", "P S"}};

bool IsScript(absl::string_view name) {
  if (name.size() < 3) return false;  // a general category
  const std::string pattern = absl::StrCat(R"(\p{sc:)", name, "}");
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* const code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()),
                                         pattern.size(), PCRE2_UTF, &error, &offset, nullptr);
  pcre2_code_free(code);
  return code != nullptr;
}

std::string WordItems() {
  // Oniguruma counts ², ³, ¹, ¼, ½ and ¾ too.
  return absl::StrCat(PropertyItems("Alphabetic"), PropertyItems("M"), PropertyItems("Nd"),
                      PropertyItems("Pc"), R"(\x{b2}\x{b3}\x{b9}\x{bc}-\x{be})");
}

std::string Set(absl::string_view items, bool negated = false) {
  return absl::StrCat(negated ? "[^" : "[", items, "]");
}

// A part of a set: what a PCRE2 set can hold, and whole patterns of one character besides.
struct SetPart {
  std::string items;
  std::vector<std::string> patterns;

  bool empty() const { return items.empty() && patterns.empty(); }
  // The pattern of one character that matches what the part holds.
  std::string Pattern() const {
    std::vector<std::string> all = patterns;
    if (!items.empty()) all.insert(all.begin(), Set(items));
    return all.size() == 1 ? all[0] : absl::StrCat("(?:", absl::StrJoin(all, "|"), ")");
  }
};

// A class such as \s, \p{L} or [:alpha:]: the inside of a set, or of its complement.
struct CharacterClass {
  std::string items;
  bool negated = false;
};

class Translator {
 public:
  explicit Translator(absl::string_view pattern) : rest_(pattern) {}

  absl::StatusOr<std::string> Translate() {
    while (!rest_.empty() && foreign_.empty()) Item();
    if (foreign_.empty()) return std::move(translated_);
    return absl::InvalidArgumentError(
        absl::StrCat("it uses ", foreign_, ", which is not supported"));
  }

 private:
  void Refuse(absl::string_view what) {
    if (foreign_.empty()) foreign_ = std::string(what);
    rest_ = absl::string_view();
  }

  std::string Take(size_t bytes) {
    std::string taken(rest_.substr(0, bytes));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  void Atom(absl::string_view pattern) {
    atom_begin_ = translated_.size();
    absl::StrAppend(&translated_, pattern);
  }

  void Item() {
    switch (rest_[0]) {
      case '\\':
        return Escape();
      case '[':
        return Atom(ParseSet(0));
      case '(':
        return Group();
      case ')':
        absl::StrAppend(&translated_, Take(1));
        if (!groups_.empty()) {
          atom_begin_ = groups_.back();
          groups_.pop_back();
        }
        return;
      case '{':
        return Interval();
      case '*':
      case '+':
      case '?':
        absl::StrAppend(&translated_, Take(1));
        return;
      default:
        // Whole characters: a quantifier that follows refers to all bytes.
        size_t size = 1;
        while (size < rest_.size() && (rest_[size] & 0xC0) == 0x80) ++size;
        return Atom(Take(size));
    }
  }

  void Group() {
    groups_.push_back(translated_.size());
    size_t end = 1;
    if (absl::StartsWith(rest_, "(?")) {
      if (absl::StartsWith(rest_, "(?~")) return Refuse("the absent operator (?~)");
      end = 2;
      while (end < rest_.size() && (absl::ascii_isalpha(rest_[end]) || rest_[end] == '-')) ++end;
      if (end < rest_.size() && rest_[end] != ')' && rest_[end] != ':') end = 2;  // no flags
    }
    // Ruby's (?m) lets the dot match line feeds, which is PCRE2's (?s).
    std::string opening = Take(end);
    std::replace(opening.begin(), opening.end(), 'm', 's');
    absl::StrAppend(&translated_, opening);
  }

  // {n}, {n,m}, {,m}: with a + behind it repeated once more, where PCRE2 would see a possessive
  // one.
  void Interval() {
    size_t end = 1;
    while (end < rest_.size() && (absl::ascii_isdigit(rest_[end]) || rest_[end] == ',')) ++end;
    if (end == 1 || end == rest_.size() || rest_[end] != '}') return Atom(R"(\)" + Take(1));
    std::string interval = Take(end + 1);
    if (interval[1] == ',') interval.insert(1, "0");
    absl::StrAppend(&translated_, interval);
    if (!absl::StartsWith(rest_, "+")) return;
    Take(1);
    translated_.insert(atom_begin_, "(?:");
    absl::StrAppend(&translated_, ")+");
  }

  void Escape() {
    if (const auto known = ParseClass()) return Atom(Set(known->items, known->negated));
    if (!foreign_.empty()) return;
    const char letter = rest_.size() > 1 ? rest_[1] : '\0';
    if (letter == 'b' || letter == 'B') {
      Take(2);
      const std::string word = Set(WordItems());
      const bool border = letter == 'b';
      return Atom(absl::StrCat("(?:(?<=", word, border ? ")(?!" : ")(?=", word, ")|(?<!", word,
                               border ? ")(?=" : ")(?!", word, "))"));
    }
    if (std::string("NOyYXRKgk").find(letter) != std::string::npos) {
      return Refuse(absl::StrCat("\\", std::string(1, letter)));
    }
    Atom(PlainEscape());
  }

  // An escape for one character.
  std::string PlainEscape() {
    const char letter = rest_.size() > 1 ? rest_[1] : '\0';
    if (letter == 'v') {  // a vertical tab; PCRE2 means more
      Take(2);
      return R"(\x{b})";
    }
    if (letter == 'u') {
      Take(2);
      return absl::StrCat(R"(\x{)", Take(4), "}");
    }
    return Take(2);
  }

  // Takes a class if one is next.
  absl::optional<CharacterClass> ParseClass() {
    if (absl::StartsWith(rest_, "[:")) return ParsePosixClass();
    const char letter = rest_.size() > 1 && rest_[0] == '\\' ? rest_[1] : '\0';
    switch (letter) {
      case 's':
      case 'S':
        return Taken(kWhiteSpace, letter == 'S');
      case 'w':
      case 'W':
        return Taken(WordItems(), letter == 'W');
      case 'd':
      case 'D':
        return Taken(PropertyItems("Nd"), letter == 'D');
      case 'h':
      case 'H':
        return Taken("0-9A-Fa-f", letter == 'H');
      case 'p':
      case 'P':
        return ParseProperty();
      default:
        return absl::nullopt;
    }
  }

  CharacterClass Taken(std::string items, bool negated) {
    Take(2);
    return {std::move(items), negated};
  }

  // \p{L}, \P{L}, \p{^L}
  absl::optional<CharacterClass> ParseProperty() {
    const size_t end = rest_.find('}');
    if (rest_.size() < 3 || rest_[2] != '{' || end == absl::string_view::npos) {
      Refuse("a property that is not written as \\p{...}");
      return absl::nullopt;
    }
    bool negated = rest_[1] == 'P';
    absl::string_view name = rest_.substr(3, end - 3);
    if (absl::StartsWith(name, "^")) {
      negated = !negated;
      name.remove_prefix(1);
    }
    CharacterClass result{PropertyItems(name), negated};
    rest_.remove_prefix(end + 1);
    return result;
  }

  // [:alpha:], [:^alpha:]
  absl::optional<CharacterClass> ParsePosixClass() {
    const size_t end = rest_.find(":]");
    absl::string_view name = rest_.substr(2, end == absl::string_view::npos ? 0 : end - 2);
    const bool negated = absl::StartsWith(name, "^");
    if (negated) name.remove_prefix(1);
    CharacterClass result{name == "space" ? kWhiteSpace : "", negated};
    for (const NamedClass& known : kPosixClasses) {
      if (name != known.name) continue;
      for (const absl::string_view property : absl::StrSplit(known.properties, ' ')) {
        absl::StrAppend(&result.items, PropertyItems(property));
      }
    }
    if (result.items.empty()) {
      Refuse("a class [:...:] other than alnum, alpha, digit, punct and space");
      return absl::nullopt;
    }
    rest_.remove_prefix(end + 2);
    return result;
  }

  // Takes a set from its [ to its ] and gives a pattern of one character.
  std::string ParseSet(size_t depth) {
    if (depth == kMaxSetDepth) Refuse("sets too deep inside one another");
    Take(1);
    const bool negated = absl::StartsWith(rest_, "^");
    if (negated) Take(1);
    std::vector<SetPart> parts(1);  // of an intersection
    bool first = true;              // a first ] stands for itself
    while (!rest_.empty() && (first || rest_[0] != ']')) {
      first = false;
      if (absl::StartsWith(rest_, "&&")) {
        Take(2);
        parts.emplace_back();
      } else {
        SetItem(depth, &parts.back());
      }
    }
    if (rest_.empty()) {
      if (foreign_.empty()) foreign_ = "a set without an end ]";
      return "";
    }
    Take(1);
    if (std::any_of(parts.begin(), parts.end(), [](const SetPart& p) { return p.empty(); })) {
      Refuse("a set with nothing in it");
      return "";
    }
    if (parts.size() == 1 && parts[0].patterns.empty()) return Set(parts[0].items, negated);
    std::string pattern;
    for (size_t i = 1; i < parts.size(); ++i) {
      absl::StrAppend(&pattern, "(?=", parts[i].Pattern(), ")");
    }
    absl::StrAppend(&pattern, parts[0].Pattern());
    return negated ? absl::StrCat("(?:(?!", pattern, ")(?s:.))")
                   : absl::StrCat("(?:", pattern, ")");
  }

  void SetItem(size_t depth, SetPart* part) {
    if (const auto known = ParseClass()) {
      if (known->negated) {
        part->patterns.push_back(Set(known->items, /*negated=*/true));
      } else {
        absl::StrAppend(&part->items, known->items);
      }
      return;
    }
    if (!foreign_.empty()) return;
    if (rest_[0] == '[') {
      part->patterns.push_back(ParseSet(depth + 1));
    } else if (rest_[0] == '\\') {
      absl::StrAppend(&part->items, PlainEscape());
    } else {
      absl::StrAppend(&part->items, Take(1));
    }
  }

  absl::string_view rest_;
  std::string translated_;
  std::string foreign_;         // what cannot be translated
  size_t atom_begin_ = 0;       // where in `translated_` that starts which a quantifier repeats
  std::vector<size_t> groups_;  // where the open groups start
};

}  // namespace

std::string PropertyItems(absl::string_view name) {
  for (const NamedClass& known : kLongNames) {
    if (name == known.name) name = known.properties;
  }
  std::string items = absl::StrCat(R"(\p{)", IsScript(name) ? "sc:" : "", name, "}");
  for (const ClassRange& range : AddedToClasses()) {
    const bool same = name == range.name || (name.size() == 1 && range.name[1] != '\0' &&
                                             range.name[2] == '\0' && name[0] == range.name[0]);
    if (same) absl::StrAppendFormat(&items, R"(\x{%x}-\x{%x})", range.first, range.last);
  }
  return items;
}

absl::StatusOr<std::string> TranslatePattern(absl::string_view pattern) {
  return Translator(pattern).Translate();
}

}  // namespace grpo
