#include "data/jinja/filters.h"

#include "absl/container/flat_hash_map.h"

#include "data/jinja/sequence_filters.h"
#include "data/jinja/text_filters.h"

namespace grpo::jinja {

Filter FindFilter(absl::string_view name) {
  static const auto* const filters = [] {
    auto* const all = new absl::flat_hash_map<absl::string_view, Filter>;
    for (const auto& [filter_name, filter] : TextFilters()) (*all)[filter_name] = filter;
    for (const auto& [filter_name, filter] : SequenceFilters()) (*all)[filter_name] = filter;
    return all;
  }();
  const auto found = filters->find(name);
  return found == filters->end() ? nullptr : found->second;
}

}  // namespace grpo::jinja
