// Builds the tree of a template from its text.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "data/jinja/ast.h"

namespace grpo::jinja {

// An error names `origin`, the line, and what was expected and found. Not supported, and refused by
// name: other templates (include, import, extends, block), recursive loops, autoescape.
absl::StatusOr<Body> ParseTemplate(absl::string_view source, const std::string& origin);

}  // namespace grpo::jinja
