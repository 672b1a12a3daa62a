#include "data/jinja/arguments.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace grpo::jinja {

absl::StatusOr<int64_t> BoundArguments::Int(size_t index, int64_t otherwise) const {
  if (!Has(index)) return otherwise;
  const Value& value = Get(index);
  if (value.IsInteger()) return value.AsInt();
  if (value.Is(Kind::kUndefined)) return UndefinedError(value);
  return absl::InvalidArgumentError(
      absl::StrCat("expected an integer as an argument, found '", TypeName(value), "'"));
}

absl::StatusOr<std::string> BoundArguments::String(size_t index,
                                                   absl::string_view otherwise) const {
  if (!Has(index)) return std::string(otherwise);
  const Value& value = Get(index);
  if (value.Is(Kind::kString)) return value.AsString();
  if (value.Is(Kind::kUndefined)) return UndefinedError(value);
  return absl::InvalidArgumentError(
      absl::StrCat("expected a string as an argument, found '", TypeName(value), "'"));
}

absl::StatusOr<absl::optional<std::string>> BoundArguments::OptionalString(size_t index) const {
  if (Get(index).Is(Kind::kNone)) return absl::nullopt;
  return String(index, "");
}

absl::StatusOr<BoundArguments> Bind(absl::string_view function, const Arguments& arguments,
                                    std::initializer_list<Parameter> parameters) {
  if (arguments.positional.size() > parameters.size()) {
    return absl::InvalidArgumentError(absl::StrCat(function, " takes at most ", parameters.size(),
                                                   " arguments, found ",
                                                   arguments.positional.size()));
  }
  std::vector<const Value*> values(parameters.size(), nullptr);
  for (size_t i = 0; i < arguments.positional.size(); ++i) values[i] = &arguments.positional[i];
  for (const auto& argument : arguments.named) {
    const std::string& name = argument.first;
    const auto parameter =
        std::find_if(parameters.begin(), parameters.end(),
                     [&name](const Parameter& candidate) { return candidate.name == name; });
    if (name.empty() || parameter == parameters.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(function, " takes no argument named '", name, "'"));
    }
    const Value*& place = values[parameter - parameters.begin()];
    if (place != nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(function, " was given the argument '", name, "' twice"));
    }
    place = &argument.second;
  }
  size_t index = 0;
  for (const Parameter& parameter : parameters) {
    if (parameter.required && values[index] == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          function, " needs ",
          parameter.name.empty() ? absl::StrCat("an argument number ", index + 1)
                                 : absl::StrCat("the argument '", parameter.name, "'")));
    }
    ++index;
  }
  return BoundArguments(std::move(values));
}

}  // namespace grpo::jinja
