#include "policy/kernels/quantized_products.h"

namespace grpo {

namespace avx512 {
const QuantizedProducts& QuantizedLevel();
}
namespace avx2 {
const QuantizedProducts& QuantizedLevel();
}
namespace baseline {
const QuantizedProducts& QuantizedLevel();
}

namespace {

std::vector<const QuantizedProducts*> Detect() {
  std::vector<const QuantizedProducts*> available;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
    available.push_back(&avx512::QuantizedLevel());
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    available.push_back(&avx2::QuantizedLevel());
  }
  available.push_back(&baseline::QuantizedLevel());
  return available;
}

}  // namespace

const std::vector<const QuantizedProducts*>& AvailableQuantizedProducts() {
  static const auto& available = *new std::vector<const QuantizedProducts*>(Detect());
  return available;
}

const QuantizedProducts& ActiveQuantizedProducts() { return *AvailableQuantizedProducts().front(); }

}  // namespace grpo
