// Values as JSON text, laid out as Python's json.dumps does.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"

#include "data/jinja/runtime.h"
#include "data/jinja/value.h"

namespace grpo::jinja {

struct JsonStyle {
  absl::optional<std::string> indent;  // of one level; all on one line without
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool ascii_only = false;
  bool sort_keys = false;
};

absl::StatusOr<std::string> ToJsonText(Runtime& runtime, const Value& value,
                                       const JsonStyle& style);

}  // namespace grpo::jinja
