#include "policy/kernels/kernels.h"

namespace grpo {

#define GRPO_DECLARE_ISA(name)            \
  namespace name {                        \
  const Kernels<float>& FloatKernels();   \
  const Kernels<double>& DoubleKernels(); \
  }
GRPO_DECLARE_ISA(avx512)
GRPO_DECLARE_ISA(avx2)
GRPO_DECLARE_ISA(baseline)
#undef GRPO_DECLARE_ISA

namespace {

enum class InstructionSet { kBaseline, kAvx2, kAvx512 };

InstructionSet Detect() {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
    return InstructionSet::kAvx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return InstructionSet::kAvx2;
  return InstructionSet::kBaseline;
}

InstructionSet Active() {
  static const InstructionSet set = Detect();
  return set;
}

}  // namespace

template <>
const Kernels<float>& ActiveKernels<float>() {
  switch (Active()) {
    case InstructionSet::kAvx512:
      return avx512::FloatKernels();
    case InstructionSet::kAvx2:
      return avx2::FloatKernels();
    case InstructionSet::kBaseline:
      break;
  }
  return baseline::FloatKernels();
}

template <>
const Kernels<double>& ActiveKernels<double>() {
  switch (Active()) {
    case InstructionSet::kAvx512:
      return avx512::DoubleKernels();
    case InstructionSet::kAvx2:
      return avx2::DoubleKernels();
    case InstructionSet::kBaseline:
      break;
  }
  return baseline::DoubleKernels();
}

const char* ActiveInstructionSet() {
  switch (Active()) {
    case InstructionSet::kAvx512:
      return "avx512";
    case InstructionSet::kAvx2:
      return "avx2";
    case InstructionSet::kBaseline:
      break;
  }
  return "baseline";
}

}  // namespace grpo
