// The filters of lists, dicts and whatever can be iterated over.
#pragma once

#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

#include "data/jinja/filters.h"

namespace grpo::jinja {

std::vector<std::pair<absl::string_view, Filter>> SequenceFilters();

}  // namespace grpo::jinja
