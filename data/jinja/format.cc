#include "data/jinja/format.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "data/jinja/number.h"
#include "data/jinja/operators.h"
#include "data/jinja/text.h"
#include "data/status_macros.h"

namespace grpo::jinja {
namespace {

// Widths and precisions beyond this are refused: no text of a prompt needs them.
constexpr int kMaxWidth = 10'000;

// How one value is laid out.
struct Layout {
  char align = '\0';  // '<', '>', '^', '=' or by the type
  std::string fill = " ";
  char sign = '-';  // '+' and ' ' show something for positive numbers too
  bool alternate = false;
  bool grouped = false;  // commas between thousands
  int width = 0;
  int precision = -1;
  char type = '\0';
};

std::string DigitsOf(uint64_t magnitude, char type) {
  switch (type) {
    case 'x':
      return absl::StrFormat("%x", magnitude);
    case 'X':
      return absl::StrFormat("%X", magnitude);
    case 'o':
      return absl::StrFormat("%o", magnitude);
    case 'b': {
      std::string digits;
      do {
        digits.push_back(magnitude % 2 == 0 ? '0' : '1');
        magnitude /= 2;
      } while (magnitude != 0);
      std::reverse(digits.begin(), digits.end());
      return digits;
    }
    default:
      return absl::StrCat(magnitude);
  }
}

// The absolute value of a number by printf's conversion 'e', 'f' or 'g'.
std::string FloatDigits(double magnitude, int precision, char type, bool alternate) {
  if (std::isnan(magnitude)) return absl::ascii_isupper(type) ? "NAN" : "nan";
  if (std::isinf(magnitude)) return absl::ascii_isupper(type) ? "INF" : "inf";
  const std::string format = absl::StrCat("%", alternate ? "#" : "", ".*", std::string(1, type));
  std::string digits(400 + precision, '\0');
  const int size =
      std::snprintf(digits.data(), digits.size(), format.c_str(), precision, magnitude);
  digits.resize(std::clamp<int>(size, 0, static_cast<int>(digits.size())));
  return digits;
}

std::string GroupThousands(const std::string& digits) {
  const size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
  std::string grouped;
  for (size_t i = 0; i < whole; ++i) {
    if (i > 0 && (whole - i) % 3 == 0) grouped.push_back(',');
    grouped.push_back(digits[i]);
  }
  return grouped + digits.substr(whole);
}

// Fills `sign` and `body` up to the width.
std::string Aligned(const Layout& layout, char default_align, const std::string& sign,
                    const std::string& body) {
  const int64_t missing =
      std::max<int64_t>(0, layout.width - CountCharacters(sign) - CountCharacters(body));
  const char align = layout.align == '\0' ? default_align : layout.align;
  const int64_t left = align == '>' || align == '=' ? missing : align == '^' ? missing / 2 : 0;
  const auto fill = [&](int64_t count) {
    std::string text;
    for (int64_t i = 0; i < count; ++i) text += layout.fill;
    return text;
  };
  if (align == '=') return absl::StrCat(sign, fill(left), body);
  return absl::StrCat(fill(left), sign, body, fill(missing - left));
}

std::string SignText(const Layout& layout, bool negative) {
  if (negative) return "-";
  return layout.sign == '-' ? "" : std::string(1, layout.sign);
}

std::string LayOutInt(const Layout& layout, int64_t number) {
  const uint64_t magnitude =
      number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
  std::string digits = DigitsOf(magnitude, layout.type);
  if (layout.precision > static_cast<int>(digits.size())) {
    digits.insert(0, layout.precision - digits.size(), '0');
  }
  if (layout.grouped) digits = GroupThousands(digits);
  std::string prefix;
  if (layout.alternate && absl::ascii_isalpha(layout.type) && layout.type != 'd') {
    prefix = absl::StrCat("0", std::string(1, layout.type));
  }
  return Aligned(layout, '>', SignText(layout, number < 0) + prefix, digits);
}

std::string LayOutFloat(const Layout& layout, double number) {
  const int precision = layout.precision < 0 ? 6 : layout.precision;
  std::string digits =
      layout.type == '%' ? FloatDigits(std::fabs(number) * 100, precision, 'f', false) + "%"
                         : FloatDigits(std::fabs(number), precision, layout.type, layout.alternate);
  if (layout.grouped) digits = GroupThousands(digits);
  const bool negative = std::signbit(number) && !std::isnan(number);
  return Aligned(layout, '>', SignText(layout, negative), digits);
}

std::string LayOutText(const Layout& layout, const std::string& text, char default_align) {
  const absl::string_view shown =
      layout.precision < 0 ? absl::string_view(text)
                           : absl::string_view(text).substr(0, ByteOffset(text, layout.precision));
  return Aligned(layout, default_align, "", std::string(shown));
}

bool IsFloatType(char type) { return absl::StrContains("eEfFgG", absl::string_view(&type, 1)); }

// Reads a width or a precision; an error where it is too large.
absl::StatusOr<int> ReadNumber(absl::string_view* format) {
  size_t size = 0;
  while (size < format->size() && absl::ascii_isdigit((*format)[size])) ++size;
  int number = 0;
  if (size > 0 && (!absl::SimpleAtoi(format->substr(0, size), &number) || number > kMaxWidth)) {
    return absl::InvalidArgumentError(absl::StrCat("a width or precision above ", kMaxWidth));
  }
  format->remove_prefix(size);
  return number;
}

bool Consume(absl::string_view* text, char character) {
  if (text->empty() || text->front() != character) return false;
  text->remove_prefix(1);
  return true;
}

// "%…": walks through a format and the values for it.
class PercentFormatter {
 public:
  PercentFormatter(Runtime& runtime, absl::string_view format, const Value& values)
      : runtime_(runtime), rest_(format), values_(values) {}

  absl::StatusOr<Value> Format() {
    while (!rest_.empty()) {
      const size_t percent = rest_.find('%');
      absl::StrAppend(&text_, rest_.substr(0, percent));
      if (percent == absl::string_view::npos) break;
      rest_.remove_prefix(percent + 1);
      RETURN_IF_ERROR(FormatOne());
      RETURN_IF_ERROR(runtime_.Spend(kUnitsPerStep));
    }
    // A dict or a list may hold more than the format asks for; a single number or text may not.
    const bool may_be_left = values_.Is(Kind::kDict) || values_.Is(Kind::kList) ||
                             values_.Is(Kind::kUndefined) || values_.Is(Kind::kRange);
    const size_t given = values_.Is(Kind::kTuple) ? values_.Items().size() : 1;
    if (!may_be_left && next_ < given) {
      return absl::InvalidArgumentError("not all arguments were used by the format");
    }
    return runtime_.NewString(std::move(text_));
  }

 private:
  absl::Status FormatOne() {
    absl::optional<Value> named;
    if (Consume(&rest_, '(')) {
      ASSIGN_OR_RETURN(named, NamedValue());
    }
    Layout layout;
    ReadFlags(&layout);
    if (absl::StartsWith(rest_, "*")) return absl::InvalidArgumentError("%* is not supported");
    ASSIGN_OR_RETURN(layout.width, ReadNumber(&rest_));
    if (Consume(&rest_, '.')) {
      ASSIGN_OR_RETURN(layout.precision, ReadNumber(&rest_));
    }
    while (!rest_.empty() && absl::StrContains("hlL", rest_.substr(0, 1))) rest_.remove_prefix(1);
    if (rest_.empty()) return absl::InvalidArgumentError("the format ends within a conversion");
    layout.type = rest_.front();
    rest_.remove_prefix(1);
    if (layout.type == '%') {
      text_.push_back('%');
      return absl::OkStatus();
    }
    if (named.has_value()) return Append(layout, *named);
    ASSIGN_OR_RETURN(const Value value, NextValue());
    return Append(layout, value);
  }

  absl::StatusOr<Value> NamedValue() {
    const size_t end = rest_.find(')');
    if (end == absl::string_view::npos) return absl::InvalidArgumentError("'%(' without a ')'");
    const absl::string_view name = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    if (!values_.Is(Kind::kDict)) return absl::InvalidArgumentError("the format needs a mapping");
    const Value* found = values_.As<const Dict>()->FindString(name);
    if (found == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("the format's '", name, "' is not given"));
    }
    next_ = 1;
    return *found;
  }

  void ReadFlags(Layout* layout) {
    for (; !rest_.empty(); rest_.remove_prefix(1)) {
      const char flag = rest_.front();
      if (flag == '-') {
        layout->align = '<';
        layout->fill = " ";
      } else if (flag == '0') {
        if (layout->align != '<') {
          layout->align = '=';
          layout->fill = "0";
        }
      } else if (flag == '+') {
        layout->sign = '+';
      } else if (flag == ' ') {
        if (layout->sign == '-') layout->sign = ' ';
      } else if (flag == '#') {
        layout->alternate = true;
      } else {
        return;
      }
    }
  }

  absl::StatusOr<Value> NextValue() {
    const bool is_tuple = values_.Is(Kind::kTuple);
    if (next_ >= (is_tuple ? values_.Items().size() : 1)) {
      return absl::InvalidArgumentError("not enough arguments for the format");
    }
    const size_t index = next_++;
    return is_tuple ? values_.Items()[index] : values_;
  }

  absl::Status Append(Layout layout, const Value& value) {
    RETURN_IF_ERROR(runtime_.Spend(layout.width + std::max(layout.precision, 0)));
    switch (layout.type) {
      case 's':
      case 'r':
      case 'a': {
        ASSIGN_OR_RETURN(const std::string shown,
                         layout.type == 's' ? ToText(runtime_, value) : ToRepr(runtime_, value));
        if (layout.align == '=') {  // zeros fill numbers alone
          layout.align = '>';
          layout.fill = " ";
        }
        text_ += LayOutText(layout, shown, '>');
        return absl::OkStatus();
      }
      case 'c':
        return AppendCharacter(layout, value);
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o':
        return AppendInteger(layout, value);
      default:
        break;
    }
    if (!IsFloatType(layout.type)) {
      return absl::InvalidArgumentError(absl::StrCat("the format has the unsupported conversion '",
                                                     std::string(1, layout.type), "'"));
    }
    RETURN_IF_ERROR(CheckNumber(layout, value));
    text_ += LayOutFloat(layout, value.AsFloat());
    return absl::OkStatus();
  }

  static absl::Status CheckNumber(const Layout& layout, const Value& value) {
    if (value.Is(Kind::kUndefined)) return UndefinedError(value);
    if (value.IsNumber()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("%", std::string(1, layout.type),
                                                   " needs a number, not '", TypeName(value), "'"));
  }

  absl::Status AppendInteger(Layout layout, const Value& value) {
    RETURN_IF_ERROR(CheckNumber(layout, value));
    const bool is_decimal = absl::StrContains("diu", absl::string_view(&layout.type, 1));
    if (value.Is(Kind::kFloat) && !is_decimal) {
      return absl::InvalidArgumentError("an integer is required, not a float");
    }
    int64_t number = 0;
    if (value.Is(Kind::kFloat)) {
      ASSIGN_OR_RETURN(number, Truncate(value.AsFloat()));
    } else {
      number = value.AsInt();
    }
    if (is_decimal) layout.type = 'd';
    text_ += LayOutInt(layout, number);
    return absl::OkStatus();
  }

  absl::Status AppendCharacter(const Layout& layout, const Value& value) {
    std::string character;
    if (value.Is(Kind::kString) && CountCharacters(value.AsString()) == 1) {
      character = value.AsString();
    } else if (value.IsInteger() && value.AsInt() >= 0 && value.AsInt() < 0x110000 &&
               (value.AsInt() < 0xd800 || value.AsInt() > 0xdfff)) {
      AppendUtf8(static_cast<char32_t>(value.AsInt()), &character);
    } else {
      return absl::InvalidArgumentError("%c needs one character or its number");
    }
    text_ += LayOutText(layout, character, '>');
    return absl::OkStatus();
  }

  Runtime& runtime_;
  absl::string_view rest_;
  const Value& values_;
  size_t next_ = 0;
  std::string text_;
};

// "{…}".format(…).
class BraceFormatter {
 public:
  BraceFormatter(Runtime& runtime, absl::string_view format, const Arguments& arguments)
      : runtime_(runtime), rest_(format), arguments_(arguments) {}

  absl::StatusOr<Value> Format() {
    while (!rest_.empty()) {
      const size_t brace = rest_.find_first_of("{}");
      absl::StrAppend(&text_, rest_.substr(0, brace));
      if (brace == absl::string_view::npos) break;
      const char kind = rest_[brace];
      rest_.remove_prefix(brace + 1);
      if (Consume(&rest_, kind)) {
        text_.push_back(kind);
      } else if (kind == '}') {
        return absl::InvalidArgumentError("format: a single '}'");
      } else {
        RETURN_IF_ERROR(FormatField());
      }
      RETURN_IF_ERROR(runtime_.Spend(kUnitsPerStep));
    }
    return runtime_.NewString(std::move(text_));
  }

 private:
  absl::Status FormatField() {
    const size_t end = rest_.find('}');
    if (end == absl::string_view::npos)
      return absl::InvalidArgumentError("format: '{' without '}'");
    absl::string_view field = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    if (absl::StrContains(field, "{")) {
      return absl::InvalidArgumentError("format: fields within fields are not supported");
    }
    const size_t name_end = std::min(field.find_first_of("!:"), field.size());
    ASSIGN_OR_RETURN(Value value, FindValue(field.substr(0, name_end)));
    field.remove_prefix(name_end);
    if (Consume(&field, '!')) {
      const bool is_repr = Consume(&field, 'r');
      if (!is_repr && !Consume(&field, 's')) {
        return absl::InvalidArgumentError("format: only !s and !r are supported");
      }
      ASSIGN_OR_RETURN(std::string shown,
                       is_repr ? ToRepr(runtime_, value) : ToText(runtime_, value));
      ASSIGN_OR_RETURN(value, runtime_.NewString(std::move(shown)));
    }
    if (!field.empty() && !Consume(&field, ':')) {
      return absl::InvalidArgumentError("format: expected ':' after the conversion");
    }
    return Append(value, field);
  }

  // "0.name[key]" and so on.
  absl::StatusOr<Value> FindValue(absl::string_view path) {
    const size_t first_end = std::min(path.find_first_of(".["), path.size());
    ASSIGN_OR_RETURN(Value value, FindArgument(path.substr(0, first_end)));
    path.remove_prefix(first_end);
    while (!path.empty()) {
      if (Consume(&path, '.')) {
        const size_t end = std::min(path.find_first_of(".["), path.size());
        if (end == 0) return absl::InvalidArgumentError("format: an empty attribute");
        ASSIGN_OR_RETURN(value, Attribute(runtime_, value, path.substr(0, end)));
        path.remove_prefix(end);
      } else {
        const size_t end = path.find(']');
        if (!Consume(&path, '[') || end == absl::string_view::npos || end < 2) {
          return absl::InvalidArgumentError("format: expected '.name' or '[key]'");
        }
        ASSIGN_OR_RETURN(const Value key, KeyOf(path.substr(0, end - 1)));
        ASSIGN_OR_RETURN(value, Subscript(runtime_, value, key));
        path.remove_prefix(end);
      }
    }
    return value;
  }

  absl::StatusOr<Value> KeyOf(absl::string_view key) {
    int64_t number = 0;
    if (absl::SimpleAtoi(key, &number) && number >= 0) return Value::Int(number);
    return runtime_.NewString(std::string(key));
  }

  absl::StatusOr<Value> FindArgument(absl::string_view name) {
    int64_t index = 0;
    const bool is_number = absl::SimpleAtoi(name, &index) && absl::ascii_isdigit(name[0]);
    if (name.empty() || is_number) {
      const Numbering numbering = name.empty() ? Numbering::kAutomatic : Numbering::kManual;
      if (numbering_ != Numbering::kOpen && numbering_ != numbering) {
        return absl::InvalidArgumentError("format: '{}' and '{0}' in one text");
      }
      numbering_ = numbering;
      if (name.empty()) index = next_++;
      if (index < 0 || index >= static_cast<int64_t>(arguments_.positional.size())) {
        return absl::InvalidArgumentError(absl::StrCat("format: there is no argument ", index));
      }
      return arguments_.positional[index];
    }
    for (const auto& [argument, value] : arguments_.named) {
      if (argument == name) return value;
    }
    return absl::InvalidArgumentError(absl::StrCat("format: there is no argument '", name, "'"));
  }

  static bool IsAlign(absl::string_view text) {
    return !text.empty() && absl::StrContains("<>^=", text.substr(0, 1));
  }

  static absl::StatusOr<Layout> ReadLayout(absl::string_view spec) {
    Layout layout;
    const size_t fill_size = ByteOffset(spec, 1);
    if (IsAlign(spec.substr(fill_size))) {
      layout.fill = std::string(spec.substr(0, fill_size));
      spec.remove_prefix(fill_size);
    }
    if (IsAlign(spec)) {
      layout.align = spec.front();
      spec.remove_prefix(1);
    }
    for (const char sign : {'+', '-', ' '}) {
      if (Consume(&spec, sign)) {
        layout.sign = sign;
        break;
      }
    }
    layout.alternate = Consume(&spec, '#');
    if (Consume(&spec, '0') && layout.align == '\0') {
      layout.align = '=';
      layout.fill = "0";
    }
    ASSIGN_OR_RETURN(layout.width, ReadNumber(&spec));
    layout.grouped = Consume(&spec, ',');
    if (Consume(&spec, '.')) {
      ASSIGN_OR_RETURN(layout.precision, ReadNumber(&spec));
    }
    if (!spec.empty()) {
      layout.type = spec.front();
      spec.remove_prefix(1);
    }
    if (!spec.empty()) return absl::InvalidArgumentError("format: an unknown format of a field");
    return layout;
  }

  absl::Status Append(const Value& value, absl::string_view spec) {
    if (spec.empty()) {
      ASSIGN_OR_RETURN(const std::string shown, ToText(runtime_, value));
      text_ += shown;
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(Layout layout, ReadLayout(spec));
    RETURN_IF_ERROR(runtime_.Spend(layout.width + std::max(layout.precision, 0)));
    const bool is_int_type =
        layout.type == '\0' || absl::StrContains("bdoxX", absl::string_view(&layout.type, 1));
    const bool is_float_type = IsFloatType(layout.type) || layout.type == '%';
    if (value.Is(Kind::kString) && (layout.type == '\0' || layout.type == 's') &&
        layout.align != '=' && !layout.grouped && layout.sign == '-') {
      text_ += LayOutText(layout, value.AsString(), '<');
    } else if (value.IsInteger() && is_int_type && layout.precision < 0) {
      if (layout.type == '\0') layout.type = 'd';
      text_ += LayOutInt(layout, value.AsInt());
    } else if (value.IsNumber() && is_float_type) {
      text_ += LayOutFloat(layout, value.AsFloat());
    } else if (value.Is(Kind::kFloat) && layout.type == '\0' && layout.precision < 0) {
      const double number = value.AsFloat();
      text_ += Aligned(layout, '>', SignText(layout, std::signbit(number)),
                       FloatText(std::fabs(number)));
    } else {
      return absl::InvalidArgumentError(absl::StrCat(
          "format: '", spec, "' is not a supported format for '", TypeName(value), "'"));
    }
    return absl::OkStatus();
  }

  enum class Numbering { kOpen, kAutomatic, kManual };

  Runtime& runtime_;
  absl::string_view rest_;
  const Arguments& arguments_;
  Numbering numbering_ = Numbering::kOpen;
  int64_t next_ = 0;
  std::string text_;
};

}  // namespace

absl::StatusOr<Value> FormatPercent(Runtime& runtime, absl::string_view format,
                                    const Value& values) {
  RETURN_IF_ERROR(runtime.Spend(format.size()));
  return PercentFormatter(runtime, format, values).Format();
}

absl::StatusOr<Value> FormatBraces(Runtime& runtime, absl::string_view format,
                                   const Arguments& arguments) {
  RETURN_IF_ERROR(runtime.Spend(format.size()));
  return BraceFormatter(runtime, format, arguments).Format();
}

}  // namespace grpo::jinja
