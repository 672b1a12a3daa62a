// The methods of Python's str.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "data/jinja/runtime.h"
#include "data/jinja/value.h"

namespace grpo::jinja {

using StringMethod = absl::StatusOr<Value> (*)(Runtime& runtime, const std::string& self,
                                               const Arguments& arguments);

// Null where there is none of that name.
StringMethod FindStringMethod(absl::string_view name);
// Python has it, this interpreter does not.
bool IsUnsupportedStringMethod(absl::string_view name);

}  // namespace grpo::jinja
