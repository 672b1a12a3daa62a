#include "policy/kernels/bf16_products.h"

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif
#include <cpuid.h>

namespace grpo {

namespace amx {
const Bf16Products& Products();
}
namespace avx512_bf16 {
const Bf16Products& Products();
}
namespace avx512 {
const Bf16Products& GenericBf16Products();
}
namespace avx2 {
const Bf16Products& GenericBf16Products();
}
namespace baseline {
const Bf16Products& GenericBf16Products();
}

namespace {

// __builtin_cpu_supports knows of AMX in later compilers only.
bool ProcessorHasAmxBf16() {
  unsigned eax, ebx, ecx, edx;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  constexpr unsigned kAmxBf16 = 1u << 22, kAmxTile = 1u << 24;
  return (edx & kAmxBf16) != 0 && (edx & kAmxTile) != 0;
}

// Linux saves a thread's tiles, 8 KiB, in processes that have asked it to.
bool MayUseTiles() {
#ifdef __linux__
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

std::vector<const Bf16Products*> Detect() {
  std::vector<const Bf16Products*> available;
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                          __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
  if (has_avx512 && __builtin_cpu_supports("avx512bf16")) {
    if (ProcessorHasAmxBf16() && MayUseTiles()) available.push_back(&amx::Products());
    available.push_back(&avx512_bf16::Products());
  }
  if (has_avx512) available.push_back(&avx512::GenericBf16Products());
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    available.push_back(&avx2::GenericBf16Products());
  }
  available.push_back(&baseline::GenericBf16Products());
  return available;
}

}  // namespace

const std::vector<const Bf16Products*>& AvailableBf16Products() {
  static const auto& available = *new std::vector<const Bf16Products*>(Detect());
  return available;
}

const Bf16Products& ActiveBf16Products() { return *AvailableBf16Products().front(); }

}  // namespace grpo
