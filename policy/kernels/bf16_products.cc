#include "policy/kernels/bf16_products.h"

#include "policy/kernels/bf16_attention.h"

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif
#include <cpuid.h>

namespace grpo {

namespace amx {
const Bf16Products& Products();
const Bf16Attention& Attention();
}  // namespace amx
namespace avx512_bf16 {
const Bf16Products& Products();
const Bf16Attention& Attention();
}  // namespace avx512_bf16
namespace avx512 {
const Bf16Products& GenericBf16Products();
const Bf16Attention& GenericBf16Attention();
}  // namespace avx512
namespace avx2 {
const Bf16Products& GenericBf16Products();
const Bf16Attention& GenericBf16Attention();
}  // namespace avx2
namespace baseline {
const Bf16Products& GenericBf16Products();
const Bf16Attention& GenericBf16Attention();
}  // namespace baseline

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

struct Levels {
  std::vector<const Bf16Products*> products;
  std::vector<const Bf16Attention*> attention;

  void Add(const Bf16Products& of_products, const Bf16Attention& of_attention) {
    products.push_back(&of_products);
    attention.push_back(&of_attention);
  }
};

Levels Detect() {
  Levels levels;
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                          __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
  if (has_avx512 && __builtin_cpu_supports("avx512bf16")) {
    if (ProcessorHasAmxBf16() && MayUseTiles()) levels.Add(amx::Products(), amx::Attention());
    levels.Add(avx512_bf16::Products(), avx512_bf16::Attention());
  }
  if (has_avx512) levels.Add(avx512::GenericBf16Products(), avx512::GenericBf16Attention());
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    levels.Add(avx2::GenericBf16Products(), avx2::GenericBf16Attention());
  }
  levels.Add(baseline::GenericBf16Products(), baseline::GenericBf16Attention());
  return levels;
}

const Levels& Available() {
  static const auto& available = *new Levels(Detect());
  return available;
}

}  // namespace

const std::vector<const Bf16Products*>& AvailableBf16Products() { return Available().products; }

const Bf16Products& ActiveBf16Products() { return *AvailableBf16Products().front(); }

const std::vector<const Bf16Attention*>& AvailableBf16Attention() { return Available().attention; }

const Bf16Attention& ActiveBf16Attention() { return *AvailableBf16Attention().front(); }

}  // namespace grpo
