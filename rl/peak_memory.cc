#include "rl/peak_memory.h"

#include <fstream>

#include <sys/resource.h>

namespace grpo {

void ForgetPeakMemory() { std::ofstream("/proc/self/clear_refs") << 5; }

int64_t PeakMemoryBytes() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

}  // namespace grpo
