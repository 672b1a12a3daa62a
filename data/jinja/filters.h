// Jinja's filters: {{ value | name(arguments) }}.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "data/jinja/runtime.h"
#include "data/jinja/value.h"

namespace grpo::jinja {

using Filter = absl::StatusOr<Value> (*)(Runtime& runtime, const Value& value,
                                         const Arguments& arguments);

// Null where there is none of that name.
Filter FindFilter(absl::string_view name);

}  // namespace grpo::jinja
