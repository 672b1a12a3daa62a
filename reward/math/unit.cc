#include "reward/math/unit.h"

#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace grpo {
namespace {

const absl::flat_hash_map<absl::string_view, absl::string_view>& Spellings() {
  static const auto* const spellings =
      new absl::flat_hash_map<absl::string_view, absl::string_view>{{"centimeter", "cm"},
                                                                    {"centimetre", "cm"},
                                                                    {"millimeter", "mm"},
                                                                    {"millimetre", "mm"},
                                                                    {"kilometer", "km"},
                                                                    {"kilometre", "km"},
                                                                    {"meter", "m"},
                                                                    {"metre", "m"},
                                                                    {"inches", "inch"},
                                                                    {"in", "inch"},
                                                                    {"feet", "foot"},
                                                                    {"ft", "foot"},
                                                                    {"yd", "yard"},
                                                                    {"mi", "mile"},
                                                                    {"second", "s"},
                                                                    {"sec", "s"},
                                                                    {"minute", "min"},
                                                                    {"hr", "hour"},
                                                                    {"h", "hour"},
                                                                    {"gram", "g"},
                                                                    {"kilogram", "kg"},
                                                                    {"kilo", "kg"},
                                                                    {"milligram", "mg"},
                                                                    {"pound", "lb"},
                                                                    {"ounce", "oz"},
                                                                    {"liter", "l"},
                                                                    {"litre", "l"},
                                                                    {"milliliter", "ml"},
                                                                    {"millilitre", "ml"},
                                                                    {"joule", "j"},
                                                                    {"newton", "n"},
                                                                    {"watt", "w"},
                                                                    {"volt", "v"},
                                                                    {"pct", "percent"},
                                                                    {"percentage", "percent"},
                                                                    {"degree", "degree"},
                                                                    {"deg", "degree"},
                                                                    {"dollar", "$"},
                                                                    {"usd", "$"},
                                                                    {"mph", "mile/hour"},
                                                                    {"kph", "km/hour"},
                                                                    {"kmh", "km/hour"},
                                                                    {"rad", "radian"},
                                                                    {"sq", "square"}};
  return *spellings;
}

std::string Singular(absl::string_view word) {
  if (word.size() > 3 && absl::EndsWith(word, "s") && !absl::EndsWith(word, "ss")) {
    word.remove_suffix(1);
  }
  return std::string(word);
}

}  // namespace

bool IsUnitWord(absl::string_view word) {
  static const auto* const kShort = new absl::flat_hash_set<absl::string_view>{
      "cm",  "mm",  "km", "kg",  "mg",   "ml",   "mL",   "ft",   "in",   "yd",   "mi",    "oz",
      "lb",  "lbs", "hr", "hrs", "min",  "mins", "sec",  "secs", "mph",  "kph",  "deg",   "pct",
      "pm",  "am",  "Hz", "kHz", "MHz",  "kPa",  "Pa",   "kJ",   "kW",   "mol",  "mPa",   "MPa",
      "usd", "USD", "sq", "cu",  "feet", "foot", "inch", "day",  "days", "cent", "cents", "rad"};
  if (kShort->contains(word)) return true;
  if (word.size() < 4) return false;
  for (const char c : word) {
    if (!absl::ascii_islower(c)) return false;
  }
  return true;
}

std::string CanonicalUnit(absl::string_view unit) {
  std::string result;
  std::string power;
  for (absl::string_view word : absl::StrSplit(unit, absl::ByAnyChar(" \t\n"), absl::SkipEmpty())) {
    std::string lower = absl::AsciiStrToLower(word);
    absl::string_view stem = lower;
    absl::string_view exponent;
    const size_t caret = stem.find('^');
    if (caret != absl::string_view::npos) {
      exponent = stem.substr(caret);
      stem = stem.substr(0, caret);
    }
    stem = absl::StripSuffix(stem, ".");
    if (stem == "sq" || stem == "square") {
      power = "^2";
      continue;
    }
    if (stem == "cu" || stem == "cubic") {
      power = "^3";
      continue;
    }
    if (stem == "per" || stem == "/") {
      absl::StrAppend(&result, "/");
      continue;
    }
    if (stem == "of" || stem == "a" || stem == "the") continue;
    auto found = Spellings().find(stem);
    const std::string singular = Singular(stem);
    if (found == Spellings().end()) found = Spellings().find(singular);
    if (!result.empty() && result.back() != '/') result += ' ';
    absl::StrAppend(&result,
                    found == Spellings().end() ? absl::string_view(singular) : found->second, power,
                    exponent);
    power.clear();
  }
  return result;
}

}  // namespace grpo
