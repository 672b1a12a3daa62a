// Worker threads for tensor work: each runs LibTorch's operations on itself alone, so that results
// do not depend on how many there are.
#pragma once

#include <functional>

#include "absl/status/status.h"

namespace grpo {

// Runs work(0) … work(count - 1) on threads of their own and waits for all. An exception out of
// LibTorch ends that thread and becomes the returned error.
absl::Status RunThreads(int count, const std::function<absl::Status(int)>& work);

}  // namespace grpo
