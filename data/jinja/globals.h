// The names that every template knows: range, dict, namespace, cycler, joiner, raise_exception,
// strftime_now.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

#include "data/jinja/runtime.h"
#include "data/jinja/value.h"

namespace grpo::jinja {

// Nothing where there is none of that name.
absl::StatusOr<absl::optional<Value>> FindGlobal(Runtime& runtime, absl::string_view name);

}  // namespace grpo::jinja
