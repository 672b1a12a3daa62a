// Runs a parsed template.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "nlohmann/json_fwd.hpp"

#include "data/jinja/ast.h"
#include "data/jinja/runtime.h"

namespace grpo::jinja {

// The text that the template gives for the variables in `context`, an object. An error names
// `origin` and the line at which it came up.
absl::StatusOr<std::string> RenderTemplate(const Body& body, const std::string& origin,
                                           const nlohmann::ordered_json& context,
                                           const Limits& limits);

}  // namespace grpo::jinja
