// Where prompts come from: a file of JSON lines or the task generators. An endless, seeded,
// resumable stream.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "data/prompt.h"

namespace grpo {

class PromptSource {
 public:
  virtual ~PromptSource() = default;

  // The next `count` prompts; wraps around (reshuffled) at the end of a finite set, never ends.
  virtual absl::StatusOr<std::vector<Prompt>> Next(int count) = 0;

  // The position as a small JSON text; Restore() of it in a source made with the same arguments
  // continues with the very prompt that would have come next.
  virtual std::string Cursor() const = 0;
  virtual absl::Status Restore(const std::string& cursor) = 0;
};

}  // namespace grpo
