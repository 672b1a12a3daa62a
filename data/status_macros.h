// Early return on an error: RETURN_IF_ERROR(expression of absl::Status) and
// ASSIGN_OR_RETURN(declaration, expression of absl::StatusOr<T>).
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define RETURN_IF_ERROR(expression)                           \
  do {                                                        \
    if (absl::Status status_ = (expression); !status_.ok()) { \
      return status_;                                         \
    }                                                         \
  } while (false)

#define GRPO_CONCAT_INNER(a, b) a##b
#define GRPO_CONCAT(a, b) GRPO_CONCAT_INNER(a, b)
#define GRPO_ASSIGN_OR_RETURN(temporary, declaration, expression) \
  auto temporary = (expression);                                  \
  if (!temporary.ok()) return std::move(temporary).status();      \
  declaration = *std::move(temporary)
#define ASSIGN_OR_RETURN(declaration, expression) \
  GRPO_ASSIGN_OR_RETURN(GRPO_CONCAT(status_or_, __LINE__), declaration, expression)
