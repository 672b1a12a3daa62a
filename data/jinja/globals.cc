#include "data/jinja/globals.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "data/jinja/arguments.h"
#include "data/json.h"
#include "data/status_macros.h"

namespace grpo::jinja {
namespace {

absl::StatusOr<Value> MakeRange(Runtime&, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("range", arguments, {{"", true}, {""}, {""}}));
  Range range;
  ASSIGN_OR_RETURN(range.start, bound.Int(0, 0));
  if (bound.Has(1)) {
    ASSIGN_OR_RETURN(range.stop, bound.Int(1, 0));
  } else {
    range.stop = std::exchange(range.start, 0);
  }
  ASSIGN_OR_RETURN(range.step, bound.Int(2, 1));
  if (range.step == 0) return absl::InvalidArgumentError("range: the step must not be zero");
  if (range.size() > kMaxRange) {
    return absl::InvalidArgumentError(absl::StrCat("range: more than ", kMaxRange, " items"));
  }
  return Value::Of(std::make_shared<const Range>(range));
}

// What dict() and namespace() take: a mapping or pairs, then names.
absl::StatusOr<Dict> DictOf(Runtime& runtime, absl::string_view function,
                            const Arguments& arguments) {
  if (arguments.positional.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat(function, " takes at most one argument"));
  }
  if (!arguments.positional.empty() && arguments.positional[0].Is(Kind::kUndefined)) {
    return UndefinedError(arguments.positional[0]);
  }
  Dict dict;
  if (!arguments.positional.empty() && arguments.positional[0].Is(Kind::kDict)) {
    dict = *arguments.positional[0].As<const Dict>();
  } else if (!arguments.positional.empty()) {
    ASSIGN_OR_RETURN(const auto pairs, runtime.Iterate(arguments.positional[0]));
    for (const Value& pair : *pairs) {
      ASSIGN_OR_RETURN(const auto parts, runtime.Iterate(pair));
      if (parts->size() != 2) {
        return absl::InvalidArgumentError(
            absl::StrCat(function, ": expected pairs, found ", parts->size(), " items"));
      }
      ASSIGN_OR_RETURN(std::string hash, HashKey(runtime, (*parts)[0]));
      dict.Set(std::move(hash), (*parts)[0], (*parts)[1]);
    }
  }
  for (const auto& [name, value] : arguments.named) {
    ASSIGN_OR_RETURN(Value key, runtime.NewString(name));
    dict.Set(absl::StrCat("s", name), std::move(key), value);
  }
  return dict;
}

absl::StatusOr<Value> MakeDict(Runtime& runtime, const Arguments& arguments) {
  ASSIGN_OR_RETURN(Dict dict, DictOf(runtime, "dict", arguments));
  return runtime.NewDict(std::move(dict));
}

absl::StatusOr<Value> MakeNamespace(Runtime& runtime, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const Dict dict, DictOf(runtime, "namespace", arguments));
  Namespace attributes;
  for (const auto& [key, value] : dict.entries()) {
    if (!key.Is(Kind::kString)) {
      return absl::InvalidArgumentError("namespace: a name that is not a string");
    }
    attributes.attributes.emplace_back(key.AsString(), value);
  }
  return runtime.NewNamespace(std::move(attributes));
}

absl::StatusOr<Value> MakeCycler(Runtime& runtime, const Arguments& arguments) {
  if (arguments.positional.empty() || !arguments.named.empty()) {
    return absl::InvalidArgumentError("cycler needs the items to cycle through");
  }
  return runtime.NewCycler(arguments.positional);
}

absl::StatusOr<Value> MakeJoiner(Runtime& runtime, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("joiner", arguments, {{"sep"}}));
  auto joiner = std::make_shared<Joiner>();
  if (bound.Has(0)) {
    joiner->separator = bound.Get(0);
  } else {
    ASSIGN_OR_RETURN(joiner->separator, runtime.NewString(", "));
  }
  RETURN_IF_ERROR(runtime.Spend(kUnitsPerItem));
  if (joiner->separator.depth() >= kMaxValueDepth) {
    return absl::InvalidArgumentError("joiner: a separator nested too deep");
  }
  return Value::Of(std::move(joiner));
}

absl::StatusOr<Value> RaiseException(Runtime& runtime, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound,
                   Bind("raise_exception", arguments, {{"message", true}}));
  ASSIGN_OR_RETURN(const std::string message, ToText(runtime, bound.Get(0)));
  return absl::InvalidArgumentError(
      absl::StrCat("the template refuses this conversation: ", QuoteForMessage(message, 500)));
}

absl::StatusOr<Value> FormatNow(Runtime& runtime, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("strftime_now", arguments, {{"format", true}}));
  ASSIGN_OR_RETURN(const std::string format, bound.String(0, ""));
  constexpr size_t kMaxFormat = 1000;
  if (format.size() > kMaxFormat) {
    return absl::InvalidArgumentError("strftime_now: the format is too long");
  }
  return runtime.NewString(absl::FormatTime(format, absl::Now(), absl::LocalTimeZone()));
}

using Global = absl::StatusOr<Value> (*)(Runtime&, const Arguments&);

}  // namespace

absl::StatusOr<absl::optional<Value>> FindGlobal(Runtime& runtime, absl::string_view name) {
  static const auto* const globals = new absl::flat_hash_map<absl::string_view, Global>{
      {"cycler", MakeCycler},
      {"dict", MakeDict},
      {"joiner", MakeJoiner},
      {"namespace", MakeNamespace},
      {"raise_exception", RaiseException},
      {"range", MakeRange},
      {"strftime_now", FormatNow},
  };
  const auto found = globals->find(name);
  if (found == globals->end()) return absl::nullopt;
  ASSIGN_OR_RETURN(Value function,
                   runtime.NewFunction(std::string(name), absl::StrCat("<function ", name, ">"),
                                       found->second, /*depth=*/1));
  return function;
}

}  // namespace grpo::jinja
