#include "data/jinja/attribute_path.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

#include "data/jinja/operators.h"
#include "data/status_macros.h"

namespace grpo::jinja {
namespace {

bool IsNumber(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

}  // namespace

absl::StatusOr<AttributePath> AttributePath::Parse(Runtime& runtime, const Value& attribute) {
  AttributePath path;
  if (attribute.Is(Kind::kNone)) return path;
  if (!attribute.Is(Kind::kString)) {
    path.steps_.push_back(attribute);
    return path;
  }
  RETURN_IF_ERROR(runtime.SpendProduct(attribute.AsString().size(), kUnitsPerItem));
  for (const absl::string_view step : absl::StrSplit(attribute.AsString(), '.')) {
    int64_t index = 0;
    if (IsNumber(step) && absl::SimpleAtoi(step, &index)) {
      path.steps_.push_back(Value::Int(index));
    } else {
      ASSIGN_OR_RETURN(path.steps_.emplace_back(), runtime.NewString(std::string(step)));
    }
  }
  return path;
}

absl::StatusOr<std::vector<AttributePath>> AttributePath::ParseSeveral(Runtime& runtime,
                                                                       const Value& attribute) {
  std::vector<AttributePath> paths;
  if (!attribute.Is(Kind::kString)) {
    ASSIGN_OR_RETURN(paths.emplace_back(), Parse(runtime, attribute));
    return paths;
  }
  for (const absl::string_view part : absl::StrSplit(attribute.AsString(), ',')) {
    ASSIGN_OR_RETURN(const Value text, runtime.NewString(std::string(part)));
    ASSIGN_OR_RETURN(paths.emplace_back(), Parse(runtime, text));
  }
  return paths;
}

absl::StatusOr<Value> AttributePath::Follow(Runtime& runtime, Value item,
                                            const absl::optional<Value>& otherwise) const {
  for (const Value& step : steps_) {
    RETURN_IF_ERROR(runtime.Spend(kUnitsPerStep));
    ASSIGN_OR_RETURN(item, Subscript(runtime, item, step));
    if (otherwise.has_value() && item.Is(Kind::kUndefined)) item = *otherwise;
  }
  return item;
}

}  // namespace grpo::jinja
