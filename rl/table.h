// Plain-text tables for the end of a run.
#pragma once

#include <string>
#include <vector>

#include "absl/types/optional.h"

namespace grpo {

// Columns aligned by two spaces, the first to the left and the others to the right, a rule under
// the header; widths count Unicode characters. A short row is filled with empty cells. Ends with a
// line break.
std::string FormatTable(const std::vector<std::string>& header,
                        const std::vector<std::vector<std::string>>& rows);

// Pass rates of a family or a suite before and after, all from 0 to 1 (changes from -1 to 1).
struct PassRateChange {
  std::string label;
  absl::optional<double> before;  // none: not evaluated
  absl::optional<double> after;
  // The 95 % confidence interval of after - before; meaningful where both are there.
  double change_low = 0;
  double change_high = 0;
};

// `what` | before | after | change | 95 % interval, in percent and percentage points.
std::string FormatPassRateChanges(const std::string& what,
                                  const std::vector<PassRateChange>& changes);

}  // namespace grpo
