// The filters of single values: texts, numbers, JSON.
#pragma once

#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

#include "data/jinja/filters.h"

namespace grpo::jinja {

std::vector<std::pair<absl::string_view, Filter>> TextFilters();

}  // namespace grpo::jinja
