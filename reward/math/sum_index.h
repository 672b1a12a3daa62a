// The indices that enclosing sums and products bind, while their bodies are evaluated.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"

namespace grpo {

struct SumIndex {
  absl::string_view name;
  int64_t value = 0;
};
using SumIndices = std::vector<SumIndex>;  // the innermost last

inline constexpr int64_t kMostTerms = 10'000;  // of a sum or product that is calculated

inline const SumIndex* FindSumIndex(const SumIndices& indices, absl::string_view name) {
  for (auto index = indices.rbegin(); index != indices.rend(); ++index) {
    if (index->name == name) return &*index;
  }
  return nullptr;
}

}  // namespace grpo
