// A function for each name that a recipe may use.
#pragma once

#include <cstddef>
#include <string>

#include "data/check.h"

namespace grpo {

template <typename Function>
struct Named {
  const char* name;
  Function function;
};

// The function of a name that stands in the table.
template <typename Function, size_t kSize>
Function FindNamed(const Named<Function> (&table)[kSize], const std::string& name) {
  for (const Named<Function>& entry : table) {
    if (name == entry.name) return entry.function;
  }
  GRPO_CHECK(false);
  return nullptr;
}

}  // namespace grpo
