#include "data/jinja/sorting.h"

#include <algorithm>
#include <numeric>

#include "data/jinja/operators.h"
#include "data/status_macros.h"

namespace grpo::jinja {

absl::StatusOr<std::vector<size_t>> SortedOrder(Runtime& runtime, const Values& keys,
                                                bool descending) {
  RETURN_IF_ERROR(runtime.SpendProduct(keys.size(), kUnitsPerItem));
  std::vector<size_t> order(keys.size());
  std::iota(order.begin(), order.end(), size_t{0});
  absl::Status status;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (!status.ok()) return false;
    const auto less =
        descending ? Less(runtime, keys[b], keys[a]) : Less(runtime, keys[a], keys[b]);
    if (!less.ok()) status = less.status();
    return less.ok() && *less;
  });
  RETURN_IF_ERROR(status);
  return order;
}

}  // namespace grpo::jinja
