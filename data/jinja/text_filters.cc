#include "data/jinja/text_filters.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "data/jinja/arguments.h"
#include "data/jinja/format.h"
#include "data/jinja/json_text.h"
#include "data/jinja/number.h"
#include "data/jinja/operators.h"
#include "data/jinja/text.h"
#include "data/status_macros.h"

namespace grpo::jinja {
namespace {

// Of filters that turn the text of a value into another text.
template <std::string (*Map)(absl::string_view)>
absl::StatusOr<Value> MapText(Runtime& runtime, const Value& value, const Arguments& arguments) {
  RETURN_IF_ERROR(Bind("the filter", arguments, {}).status());
  ASSIGN_OR_RETURN(const std::string text, ToText(runtime, value));
  RETURN_IF_ERROR(runtime.SpendProduct(text.size(), 4));
  return runtime.NewString(Map(text));
}

std::string Unchanged(absl::string_view text) { return std::string(text); }

// Jinja's own idea of words: they also start behind a hyphen or an opening bracket.
std::string TitleWords(absl::string_view text) {
  std::string title;
  while (!text.empty()) {
    size_t size = 0;
    const auto is_border = [](char32_t character) {
      return IsSpace(character) ||
             (character < 0x80 && absl::StrContains("-({[<", char(character)));
    };
    while (!text.empty() && is_border(DecodeUtf8(text, &size))) {
      absl::StrAppend(&title, text.substr(0, size));
      text.remove_prefix(size);
    }
    size_t end = 0;
    while (end < text.size() && !is_border(DecodeUtf8(text.substr(end), &size))) end += size;
    const size_t first = ByteOffset(text.substr(0, end), 1);
    absl::StrAppend(&title, ToUpper(text.substr(0, first)),
                    ToLower(text.substr(first, end - first)));
    text.remove_prefix(end);
  }
  return title;
}

absl::StatusOr<Value> Trim(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("trim", arguments, {{"chars"}}));
  ASSIGN_OR_RETURN(const auto characters, bound.OptionalString(0));
  ASSIGN_OR_RETURN(const std::string text, ToText(runtime, value));
  RETURN_IF_ERROR(
      runtime.SpendProduct(text.size(), characters.has_value() ? 1 + characters->size() / 16 : 1));
  return runtime.NewString(std::string(Strip(text, characters, Side::kBoth)));
}

absl::StatusOr<Value> ReplaceText(Runtime& runtime, const Value& value,
                                  const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound,
                   Bind("replace", arguments, {{"old", true}, {"new", true}, {"count"}}));
  ASSIGN_OR_RETURN(const std::string text, ToText(runtime, value));
  ASSIGN_OR_RETURN(const std::string from, ToText(runtime, bound.Get(0)));
  ASSIGN_OR_RETURN(const std::string to, ToText(runtime, bound.Get(1)));
  int64_t limit = -1;
  if (!bound.Get(2).Is(Kind::kNone)) {
    ASSIGN_OR_RETURN(limit, bound.Int(2, -1));
  }
  if (to.size() > from.size()) {
    RETURN_IF_ERROR(runtime.SpendProduct(CountOccurrences(text, from), to.size()));
  }
  return runtime.NewString(Replace(text, from, to, limit));
}

absl::StatusOr<Value> WordCount(Runtime& runtime, const Value& value, const Arguments& arguments) {
  RETURN_IF_ERROR(Bind("wordcount", arguments, {}).status());
  ASSIGN_OR_RETURN(const std::string text, ToText(runtime, value));
  RETURN_IF_ERROR(runtime.SpendProduct(text.size(), 16));
  int64_t count = 0;
  bool within_word = false;
  for (absl::string_view rest = text; !rest.empty();) {
    size_t size = 0;
    const bool is_word = IsWordCharacter(DecodeUtf8(rest, &size));
    if (is_word && !within_word) ++count;
    within_word = is_word;
    rest.remove_prefix(size);
  }
  return Value::Int(count);
}

absl::StatusOr<Value> Indent(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound,
                   Bind("indent", arguments, {{"width"}, {"first"}, {"blank"}}));
  if (!value.Is(Kind::kString)) {
    if (value.Is(Kind::kUndefined)) return UndefinedError(value);
    return absl::InvalidArgumentError(
        absl::StrCat("indent needs a string, not '", TypeName(value), "'"));
  }
  std::string indention;
  if (bound.Get(0).Is(Kind::kString)) {
    indention = bound.Get(0).AsString();
  } else {
    ASSIGN_OR_RETURN(const int64_t width, bound.Int(0, 4));
    RETURN_IF_ERROR(runtime.Spend(std::max<int64_t>(width, 0)));
    indention = std::string(std::max<int64_t>(width, 0), ' ');
  }
  const bool indents_first = bound.Bool(1, false);
  const bool indents_blank = bound.Bool(2, false);
  const std::string text = value.AsString() + "\n";
  RETURN_IF_ERROR(runtime.SpendProduct(text.size(), 16));
  std::string indented = indents_first ? indention : "";
  bool is_first = true;
  for (const absl::string_view line : SplitLines(text, false)) {
    if (!is_first) {
      const bool shown = indents_blank || !line.empty();
      RETURN_IF_ERROR(runtime.Spend(indention.size()));
      absl::StrAppend(&indented, "\n", shown ? indention : "");
    }
    absl::StrAppend(&indented, line);
    is_first = false;
  }
  return runtime.NewString(std::move(indented));
}

absl::StatusOr<Value> Center(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("center", arguments, {{"width"}}));
  ASSIGN_OR_RETURN(const int64_t width, bound.Int(0, 80));
  ASSIGN_OR_RETURN(const std::string text, ToText(runtime, value));
  const int64_t missing = std::max<int64_t>(0, width - CountCharacters(text));
  RETURN_IF_ERROR(runtime.Spend(missing));
  const int64_t left = missing / 2 + (missing & width & 1);
  return runtime.NewString(
      absl::StrCat(std::string(left, ' '), text, std::string(missing - left, ' ')));
}

absl::StatusOr<Value> Truncated(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound,
                   Bind("truncate", arguments, {{"length"}, {"killwords"}, {"end"}, {"leeway"}}));
  ASSIGN_OR_RETURN(const int64_t length, bound.Int(0, 255));
  ASSIGN_OR_RETURN(const std::string end, bound.String(2, "..."));
  int64_t leeway = 5;
  if (!bound.Get(3).Is(Kind::kNone)) {
    ASSIGN_OR_RETURN(leeway, bound.Int(3, leeway));
  }
  const int64_t end_length = CountCharacters(end);
  if (length < end_length || leeway < 0) {
    return absl::InvalidArgumentError(absl::StrCat("truncate needs a length of at least ",
                                                   end_length, " and a leeway of at least 0"));
  }
  ASSIGN_OR_RETURN(const int64_t size, runtime.Length(value));
  if (size - length <= leeway) return value;
  if (!value.Is(Kind::kString)) {
    return absl::InvalidArgumentError("truncate needs a string");
  }
  absl::string_view text = value.AsString();
  text = text.substr(0, ByteOffset(text, length - end_length));
  if (!bound.Bool(1, false)) text = text.substr(0, text.rfind(' '));
  return runtime.NewString(absl::StrCat(text, end));
}

absl::StatusOr<Value> FormatFilter(Runtime& runtime, const Value& value,
                                   const Arguments& arguments) {
  ASSIGN_OR_RETURN(const std::string format, ToText(runtime, value));
  if (arguments.named.empty()) {
    ASSIGN_OR_RETURN(const Value values, runtime.NewTuple(arguments.positional));
    return FormatPercent(runtime, format, values);
  }
  if (!arguments.positional.empty()) {
    return absl::InvalidArgumentError("format takes arguments by position or by name, not both");
  }
  Dict dict;
  for (const auto& [name, argument] : arguments.named) {
    ASSIGN_OR_RETURN(Value key, runtime.NewString(name));
    dict.Set(absl::StrCat("s", name), std::move(key), argument);
  }
  ASSIGN_OR_RETURN(const Value values, runtime.NewDict(std::move(dict)));
  return FormatPercent(runtime, format, values);
}

// `indent` of json.dumps: None, a number of spaces, or the text itself.
absl::StatusOr<absl::optional<std::string>> JsonIndent(const Value& indent) {
  if (indent.Is(Kind::kNone)) return absl::nullopt;
  if (indent.Is(Kind::kString)) return indent.AsString();
  if (!indent.IsInteger()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "tojson: indent must be an integer or a string, not '", TypeName(indent), "'"));
  }
  constexpr int64_t kMaxIndent = 1000;
  if (indent.AsInt() > kMaxIndent) {
    return absl::InvalidArgumentError(absl::StrCat("tojson: an indent above ", kMaxIndent));
  }
  return std::string(std::max<int64_t>(indent.AsInt(), 0), ' ');
}

absl::StatusOr<Value> ToJson(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(
      const BoundArguments bound,
      Bind("tojson", arguments, {{"ensure_ascii"}, {"indent"}, {"separators"}, {"sort_keys"}}));
  JsonStyle style;
  style.ascii_only = bound.Bool(0, false);
  ASSIGN_OR_RETURN(style.indent, JsonIndent(bound.Get(1)));
  if (style.indent.has_value()) style.item_separator = ",";
  if (!bound.Get(2).Is(Kind::kNone)) {
    ASSIGN_OR_RETURN(const auto separators, runtime.Iterate(bound.Get(2)));
    if (separators->size() != 2 || !(*separators)[0].Is(Kind::kString) ||
        !(*separators)[1].Is(Kind::kString)) {
      return absl::InvalidArgumentError("tojson: separators must be two strings");
    }
    style.item_separator = (*separators)[0].AsString();
    style.key_separator = (*separators)[1].AsString();
  }
  style.sort_keys = bound.Bool(3, false);
  ASSIGN_OR_RETURN(std::string json, ToJsonText(runtime, value, style));
  return runtime.NewString(std::move(json));
}

absl::StatusOr<Value> Default(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound,
                   Bind("default", arguments, {{"default_value"}, {"boolean"}}));
  const bool replaced = value.Is(Kind::kUndefined) || (bound.Bool(1, false) && !Truth(value));
  if (!replaced) return value;
  return bound.Has(0) ? bound.Get(0) : runtime.NewString("");
}

absl::StatusOr<Value> ToInt(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("int", arguments, {{"default"}, {"base"}}));
  ASSIGN_OR_RETURN(const int64_t base, bound.Int(1, 10));
  const Value otherwise = bound.Has(0) ? bound.Get(0) : Value::Int(0);
  if (value.Is(Kind::kUndefined)) return UndefinedError(value);
  if (value.IsInteger()) return Value::Int(value.AsInt());
  absl::optional<double> number;
  if (value.Is(Kind::kFloat)) {
    number = value.AsFloat();
  } else if (value.Is(Kind::kString)) {
    RETURN_IF_ERROR(runtime.Spend(value.AsString().size()));
    if (base == 0 || (base >= 2 && base <= 36)) {
      ASSIGN_OR_RETURN(const auto parsed, ParseInt(value.AsString(), static_cast<int>(base)));
      if (parsed.has_value()) return Value::Int(*parsed);
    }
    number = ParseFloat(value.AsString());
  }
  if (!number.has_value() || !std::isfinite(*number)) return otherwise;
  ASSIGN_OR_RETURN(const int64_t whole, Truncate(*number));
  return Value::Int(whole);
}

absl::StatusOr<Value> ToFloat(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("float", arguments, {{"default"}}));
  if (value.Is(Kind::kUndefined)) return UndefinedError(value);
  if (value.IsNumber()) return Value::Float(value.AsFloat());
  if (value.Is(Kind::kString)) {
    RETURN_IF_ERROR(runtime.Spend(value.AsString().size()));
    if (const auto number = ParseFloat(value.AsString())) return Value::Float(*number);
  }
  return bound.Has(0) ? bound.Get(0) : Value::Float(0.0);
}

absl::Status CheckNumber(absl::string_view filter, const Value& value) {
  if (value.IsNumber()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(filter, " needs a number, not '", TypeName(value), "'"));
}

absl::StatusOr<Value> Round(Runtime&, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound,
                   Bind("round", arguments, {{"precision"}, {"method"}}));
  ASSIGN_OR_RETURN(const std::string method, bound.String(1, "common"));
  if (method != "common" && method != "ceil" && method != "floor") {
    return absl::InvalidArgumentError("round: the method must be common, ceil or floor");
  }
  RETURN_IF_ERROR(CheckNumber("round", value));
  ASSIGN_OR_RETURN(const int64_t precision, bound.Int(0, 0));
  if (method != "common") {
    const double scale = std::pow(10.0, static_cast<double>(precision));
    const double scaled = value.AsFloat() * scale;
    ASSIGN_OR_RETURN(
        const double rounded,
        DivideFloats(method == "ceil" ? std::ceil(scaled) : std::floor(scaled), scale));
    if (!std::isfinite(scaled)) {
      return absl::InvalidArgumentError("round: the number has no integer neighbour");
    }
    return Value::Float(rounded + 0.0);
  }
  if (value.IsInteger()) {
    ASSIGN_OR_RETURN(const int64_t rounded, RoundInt(value.AsInt(), precision));
    return Value::Int(rounded);
  }
  ASSIGN_OR_RETURN(const double rounded, RoundFloat(value.AsFloat(), precision));
  return Value::Float(rounded);
}

absl::StatusOr<Value> Absolute(Runtime&, const Value& value, const Arguments& arguments) {
  RETURN_IF_ERROR(Bind("abs", arguments, {}).status());
  RETURN_IF_ERROR(CheckNumber("abs", value));
  if (value.Is(Kind::kFloat)) return Value::Float(std::fabs(value.AsFloat()));
  if (value.AsInt() >= 0) return Value::Int(value.AsInt());
  return Negate(value);
}

absl::StatusOr<Value> AttributeFilter(Runtime& runtime, const Value& value,
                                      const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("attr", arguments, {{"name", true}}));
  ASSIGN_OR_RETURN(const std::string name, bound.String(0, ""));
  return AttributeOnly(runtime, value, name);
}

}  // namespace

std::vector<std::pair<absl::string_view, Filter>> TextFilters() {
  return {
      {"abs", Absolute},
      {"attr", AttributeFilter},
      {"capitalize", MapText<Capitalize>},
      {"center", Center},
      {"d", Default},
      {"default", Default},
      {"e", MapText<EscapeHtml>},
      {"escape", MapText<EscapeHtml>},
      {"float", ToFloat},
      {"forceescape", MapText<EscapeHtml>},
      {"format", FormatFilter},
      {"indent", Indent},
      {"int", ToInt},
      {"lower", MapText<ToLower>},
      {"replace", ReplaceText},
      {"round", Round},
      {"safe", MapText<Unchanged>},
      {"string", MapText<Unchanged>},
      {"title", MapText<TitleWords>},
      {"tojson", ToJson},
      {"trim", Trim},
      {"truncate", Truncated},
      {"upper", MapText<ToUpper>},
      {"wordcount", WordCount},
  };
}

}  // namespace grpo::jinja
