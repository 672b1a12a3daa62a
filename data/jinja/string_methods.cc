#include "data/jinja/string_methods.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "data/jinja/arguments.h"
#include "data/jinja/format.h"
#include "data/jinja/operators.h"
#include "data/jinja/text.h"
#include "data/status_macros.h"

namespace grpo::jinja {
namespace {

absl::StatusOr<Value> NewStrings(Runtime& runtime, const std::vector<absl::string_view>& parts) {
  RETURN_IF_ERROR(runtime.SpendProduct(parts.size(), kUnitsPerItem));
  Values items;
  for (const absl::string_view part : parts) {
    ASSIGN_OR_RETURN(items.emplace_back(), runtime.NewString(std::string(part)));
  }
  return runtime.NewList(std::move(items));
}

// A search from the right compares anew at each place; one from the left does not.
absl::Status SpendForSearch(Runtime& runtime, absl::string_view text, absl::string_view part,
                            bool from_right) {
  if (from_right) return runtime.SpendProduct(text.size(), part.size() + 1);
  return runtime.Spend(text.size() + part.size());
}

template <std::string (*Map)(absl::string_view)>
absl::StatusOr<Value> Mapped(Runtime& runtime, const std::string& self,
                             const Arguments& arguments) {
  RETURN_IF_ERROR(Bind("the method", arguments, {}).status());
  RETURN_IF_ERROR(runtime.SpendProduct(self.size(), 4));
  return runtime.NewString(Map(self));
}

template <bool (*Holds)(absl::string_view)>
absl::StatusOr<Value> Tested(Runtime& runtime, const std::string& self,
                             const Arguments& arguments) {
  RETURN_IF_ERROR(Bind("the method", arguments, {}).status());
  RETURN_IF_ERROR(runtime.SpendProduct(self.size(), 16));
  return Value::Bool(Holds(self));
}

template <bool (*Holds)(char32_t)>
bool AllCharacters(absl::string_view text) {
  if (text.empty()) return false;
  while (!text.empty()) {
    size_t size = 0;
    if (!Holds(DecodeUtf8(text, &size))) return false;
    text.remove_prefix(size);
  }
  return true;
}

bool IsAlphanumeric(char32_t character) { return character != '_' && IsWordCharacter(character); }

bool IsAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char byte) { return byte < 0x80; });
}

bool AllPrintable(absl::string_view text) {
  return text.empty() || AllCharacters<IsPrintable>(text);
}

template <Side side>
absl::StatusOr<Value> StripMethod(Runtime& runtime, const std::string& self,
                                  const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("strip", arguments, {{""}}));
  ASSIGN_OR_RETURN(const auto characters, bound.OptionalString(0));
  RETURN_IF_ERROR(
      runtime.SpendProduct(self.size(), characters.has_value() ? 1 + characters->size() / 16 : 1));
  return runtime.NewString(std::string(Strip(self, characters, side)));
}

template <bool from_right>
absl::StatusOr<Value> SplitMethod(Runtime& runtime, const std::string& self,
                                  const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("split", arguments, {{"sep"}, {"maxsplit"}}));
  ASSIGN_OR_RETURN(const auto separator, bound.OptionalString(0));
  ASSIGN_OR_RETURN(const int64_t limit, bound.Int(1, -1));
  if (separator.has_value() && separator->empty()) {
    return absl::InvalidArgumentError("split: empty separator");
  }
  RETURN_IF_ERROR(SpendForSearch(runtime, self, separator.value_or(""), from_right));
  RETURN_IF_ERROR(runtime.SpendProduct(self.size(), 16));
  return NewStrings(
      runtime, from_right ? SplitFromRight(self, separator, limit) : Split(self, separator, limit));
}

absl::StatusOr<Value> SplitLinesMethod(Runtime& runtime, const std::string& self,
                                       const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("splitlines", arguments, {{"keepends"}}));
  RETURN_IF_ERROR(runtime.SpendProduct(self.size(), 16));
  return NewStrings(runtime, SplitLines(self, bound.Bool(0, false)));
}

// Where the part self[start:end] lies, by the arguments `first` and the one after it.
struct Window {
  int64_t start;           // in characters
  absl::string_view text;  // of the part
  bool valid;              // false where the start lies beyond the end
};

absl::StatusOr<Window> ReadWindow(Runtime& runtime, const std::string& self,
                                  const BoundArguments& bound, size_t first) {
  RETURN_IF_ERROR(runtime.Spend(self.size()));
  if (bound.Get(first).Is(Kind::kNone) && bound.Get(first + 1).Is(Kind::kNone)) {
    return Window{0, self, true};
  }
  const int64_t length = CountCharacters(self);
  const auto place = [&](size_t index, int64_t otherwise) -> absl::StatusOr<int64_t> {
    if (bound.Get(index).Is(Kind::kNone)) return otherwise;
    ASSIGN_OR_RETURN(const int64_t position, bound.Int(index, otherwise));
    return position < 0 ? std::max<int64_t>(position + length, 0) : position;
  };
  ASSIGN_OR_RETURN(const int64_t start, place(first, 0));
  ASSIGN_OR_RETURN(const int64_t end, place(first + 1, length));
  if (start > std::min(end, length)) return Window{start, "", false};
  const absl::string_view text = self;
  const size_t begin = ByteOffset(text, start);
  return Window{start, text.substr(begin, ByteOffset(text.substr(begin), end - start)), true};
}

template <bool at_start>
absl::StatusOr<Value> StartsOrEndsWith(Runtime& runtime, const std::string& self,
                                       const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound,
                   Bind(at_start ? "startswith" : "endswith", arguments, {{"", true}, {""}, {""}}));
  ASSIGN_OR_RETURN(const Window window, ReadWindow(runtime, self, bound, 1));
  const Value& affix = bound.Get(0);
  const Values candidates = affix.Is(Kind::kTuple) ? affix.Items() : Values{affix};
  for (const Value& candidate : candidates) {
    if (!candidate.Is(Kind::kString)) {
      return absl::InvalidArgumentError(absl::StrCat(at_start ? "startswith" : "endswith",
                                                     " needs a string or a tuple of strings, not '",
                                                     TypeName(candidate), "'"));
    }
    RETURN_IF_ERROR(runtime.Spend(candidate.AsString().size() + 1));
    if (window.valid && (at_start ? absl::StartsWith(window.text, candidate.AsString())
                                  : absl::EndsWith(window.text, candidate.AsString()))) {
      return Value::Bool(true);
    }
  }
  return Value::Bool(false);
}

// The position in characters, or -1.
template <bool from_right>
absl::StatusOr<int64_t> FindPosition(Runtime& runtime, const std::string& self,
                                     const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("find", arguments, {{"", true}, {""}, {""}}));
  ASSIGN_OR_RETURN(const std::string part, bound.String(0, ""));
  ASSIGN_OR_RETURN(const Window window, ReadWindow(runtime, self, bound, 1));
  if (!window.valid) return -1;
  RETURN_IF_ERROR(SpendForSearch(runtime, window.text, part, from_right));
  const size_t found = from_right ? window.text.rfind(part) : FindText(window.text, part);
  if (found == absl::string_view::npos) return -1;
  return window.start + CountCharacters(window.text.substr(0, found));
}

template <bool from_right>
absl::StatusOr<Value> FindMethod(Runtime& runtime, const std::string& self,
                                 const Arguments& arguments) {
  ASSIGN_OR_RETURN(const int64_t position, FindPosition<from_right>(runtime, self, arguments));
  return Value::Int(position);
}

template <bool from_right>
absl::StatusOr<Value> IndexMethod(Runtime& runtime, const std::string& self,
                                  const Arguments& arguments) {
  ASSIGN_OR_RETURN(const int64_t position, FindPosition<from_right>(runtime, self, arguments));
  if (position < 0) return absl::InvalidArgumentError("index: substring not found");
  return Value::Int(position);
}

absl::StatusOr<Value> CountMethod(Runtime& runtime, const std::string& self,
                                  const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("count", arguments, {{"", true}, {""}, {""}}));
  ASSIGN_OR_RETURN(const std::string part, bound.String(0, ""));
  ASSIGN_OR_RETURN(const Window window, ReadWindow(runtime, self, bound, 1));
  return Value::Int(window.valid ? CountOccurrences(window.text, part) : 0);
}

absl::StatusOr<Value> ReplaceMethod(Runtime& runtime, const std::string& self,
                                    const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound,
                   Bind("replace", arguments, {{"", true}, {"", true}, {""}}));
  ASSIGN_OR_RETURN(const std::string from, bound.String(0, ""));
  ASSIGN_OR_RETURN(const std::string to, bound.String(1, ""));
  ASSIGN_OR_RETURN(const int64_t limit, bound.Int(2, -1));
  RETURN_IF_ERROR(runtime.Spend(self.size()));
  if (to.size() > from.size()) {
    RETURN_IF_ERROR(runtime.SpendProduct(CountOccurrences(self, from), to.size()));
  }
  return runtime.NewString(Replace(self, from, to, limit));
}

absl::StatusOr<Value> JoinMethod(Runtime& runtime, const std::string& self,
                                 const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("join", arguments, {{"", true}}));
  ASSIGN_OR_RETURN(const auto items, runtime.Iterate(bound.Get(0)));
  std::string joined;
  for (size_t i = 0; i < items->size(); ++i) {
    const Value& item = (*items)[i];
    if (!item.Is(Kind::kString)) {
      return absl::InvalidArgumentError(
          absl::StrCat("join: item ", i, " is a '", TypeName(item), "', expected a string"));
    }
    RETURN_IF_ERROR(runtime.Spend(self.size() + item.AsString().size()));
    absl::StrAppend(&joined, i == 0 ? "" : self, item.AsString());
  }
  return runtime.NewString(std::move(joined));
}

template <bool from_right>
absl::StatusOr<Value> PartitionMethod(Runtime& runtime, const std::string& self,
                                      const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("partition", arguments, {{"", true}}));
  ASSIGN_OR_RETURN(const std::string separator, bound.String(0, ""));
  if (separator.empty()) return absl::InvalidArgumentError("partition: empty separator");
  RETURN_IF_ERROR(SpendForSearch(runtime, self, separator, from_right));
  const size_t found = from_right ? self.rfind(separator) : FindText(self, separator);
  std::string parts[3];
  if (found != std::string::npos) {
    parts[0] = self.substr(0, found);
    parts[1] = separator;
    parts[2] = self.substr(found + separator.size());
  } else {
    parts[from_right ? 2 : 0] = self;
  }
  Values items;
  for (std::string& part : parts) {
    ASSIGN_OR_RETURN(items.emplace_back(), runtime.NewString(std::move(part)));
  }
  return runtime.NewTuple(std::move(items));
}

absl::StatusOr<Value> RemovePrefixMethod(Runtime& runtime, const std::string& self,
                                         const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("removeprefix", arguments, {{"", true}}));
  ASSIGN_OR_RETURN(const std::string prefix, bound.String(0, ""));
  return runtime.NewString(std::string(absl::StripPrefix(self, prefix)));
}

absl::StatusOr<Value> RemoveSuffixMethod(Runtime& runtime, const std::string& self,
                                         const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("removesuffix", arguments, {{"", true}}));
  ASSIGN_OR_RETURN(const std::string suffix, bound.String(0, ""));
  return runtime.NewString(std::string(absl::StripSuffix(self, suffix)));
}

// How many fill characters go before and after the text.
struct Padding {
  int64_t left;
  int64_t right;
};

absl::StatusOr<Value> Pad(Runtime& runtime, const std::string& self, const Padding& padding,
                          const std::string& fill) {
  RETURN_IF_ERROR(runtime.SpendProduct(padding.left + padding.right, fill.size()));
  std::string padded;
  for (int64_t i = 0; i < padding.left; ++i) padded += fill;
  padded += self;
  for (int64_t i = 0; i < padding.right; ++i) padded += fill;
  return runtime.NewString(std::move(padded));
}

Padding AlignLeft(int64_t missing, int64_t) { return {0, missing}; }
Padding AlignRight(int64_t missing, int64_t) { return {missing, 0}; }
// The odd one goes to the left where the width is odd, as in CPython.
Padding AlignCenter(int64_t missing, int64_t width) {
  const int64_t left = missing / 2 + (missing & width & 1);
  return {left, missing - left};
}

template <Padding (*Align)(int64_t missing, int64_t width)>
absl::StatusOr<Value> JustifyMethod(Runtime& runtime, const std::string& self,
                                    const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("the method", arguments, {{"", true}, {""}}));
  ASSIGN_OR_RETURN(const int64_t width, bound.Int(0, 0));
  ASSIGN_OR_RETURN(const std::string fill, bound.String(1, " "));
  if (CountCharacters(fill) != 1) {
    return absl::InvalidArgumentError("the fill character must be exactly one character long");
  }
  RETURN_IF_ERROR(runtime.Spend(self.size()));
  const int64_t length = CountCharacters(self);
  if (width <= length) return runtime.NewString(self);
  return Pad(runtime, self, Align(width - length, width), fill);
}

absl::StatusOr<Value> ZeroFillMethod(Runtime& runtime, const std::string& self,
                                     const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("zfill", arguments, {{"", true}}));
  ASSIGN_OR_RETURN(const int64_t width, bound.Int(0, 0));
  const int64_t length = CountCharacters(self);
  if (width <= length) return runtime.NewString(self);
  RETURN_IF_ERROR(runtime.Spend(width - length));
  const size_t sign = absl::StartsWith(self, "-") || absl::StartsWith(self, "+") ? 1 : 0;
  return runtime.NewString(
      absl::StrCat(self.substr(0, sign), std::string(width - length, '0'), self.substr(sign)));
}

absl::StatusOr<Value> FormatMethod(Runtime& runtime, const std::string& self,
                                   const Arguments& arguments) {
  return FormatBraces(runtime, self, arguments);
}

}  // namespace

StringMethod FindStringMethod(absl::string_view name) {
  static const auto* const methods = new absl::flat_hash_map<absl::string_view, StringMethod>{
      {"capitalize", Mapped<Capitalize>},
      {"casefold", Mapped<ToLower>},
      {"center", JustifyMethod<AlignCenter>},
      {"count", CountMethod},
      {"endswith", StartsOrEndsWith<false>},
      {"find", FindMethod<false>},
      {"format", FormatMethod},
      {"index", IndexMethod<false>},
      {"isalnum", Tested<AllCharacters<IsAlphanumeric>>},
      {"isalpha", Tested<AllCharacters<IsAlphabetic>>},
      {"isascii", Tested<IsAscii>},
      {"isdecimal", Tested<AllCharacters<IsDigit>>},
      {"isdigit", Tested<AllCharacters<IsDigit>>},
      {"islower", Tested<IsLower>},
      {"isnumeric", Tested<AllCharacters<IsDigit>>},
      {"isprintable", Tested<AllPrintable>},
      {"isspace", Tested<AllCharacters<IsSpace>>},
      {"isupper", Tested<IsUpper>},
      {"join", JoinMethod},
      {"ljust", JustifyMethod<AlignLeft>},
      {"lower", Mapped<ToLower>},
      {"lstrip", StripMethod<Side::kLeft>},
      {"partition", PartitionMethod<false>},
      {"removeprefix", RemovePrefixMethod},
      {"removesuffix", RemoveSuffixMethod},
      {"replace", ReplaceMethod},
      {"rfind", FindMethod<true>},
      {"rindex", IndexMethod<true>},
      {"rjust", JustifyMethod<AlignRight>},
      {"rpartition", PartitionMethod<true>},
      {"rsplit", SplitMethod<true>},
      {"rstrip", StripMethod<Side::kRight>},
      {"split", SplitMethod<false>},
      {"splitlines", SplitLinesMethod},
      {"startswith", StartsOrEndsWith<true>},
      {"strip", StripMethod<Side::kBoth>},
      {"swapcase", Mapped<SwapCase>},
      {"title", Mapped<ToTitle>},
      {"upper", Mapped<ToUpper>},
      {"zfill", ZeroFillMethod},
  };
  const auto found = methods->find(name);
  return found == methods->end() ? nullptr : found->second;
}

bool IsUnsupportedStringMethod(absl::string_view name) {
  static const auto* const names = new absl::flat_hash_set<absl::string_view>{
      "encode", "expandtabs", "format_map", "isidentifier", "istitle", "maketrans", "translate"};
  return names->contains(name);
}

}  // namespace grpo::jinja
