// How much memory this process has used at most.
#pragma once

#include <cstdint>

namespace grpo {

// From here on, where the system can: before, other work may have taken more.
void ForgetPeakMemory();

int64_t PeakMemoryBytes();

}  // namespace grpo
