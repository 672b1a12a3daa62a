// For a build without Calcium: nothing is proved.
#include "reward/math/calcium_comparison.h"

namespace grpo {

absl::optional<bool> ProveEqual(const Expression&, ExactEvaluator&, const Expression&,
                                ExactEvaluator&, OddRoots) {
  return absl::nullopt;
}

}  // namespace grpo
