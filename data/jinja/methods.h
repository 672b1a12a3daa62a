// The attributes of values: methods of Python's types, and what Jinja's own objects offer.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

#include "data/jinja/runtime.h"
#include "data/jinja/value.h"

namespace grpo::jinja {

// The attribute, or nothing where the object has none of that name. What the sandbox forbids (list
// and dict methods that change their object) is an undefined value.
absl::StatusOr<absl::optional<Value>> FindAttribute(Runtime& runtime, const Value& object,
                                                    absl::string_view name);

}  // namespace grpo::jinja
