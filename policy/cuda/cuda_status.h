// CUDA's error codes as absl::Status.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include <cuda_runtime.h>

namespace grpo {

// `operation` says what was tried: "paged latent attention: launch".
inline absl::Status CudaStatus(cudaError_t code, absl::string_view operation) {
  if (code == cudaSuccess) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(operation, ": CUDA says ", cudaGetErrorName(code), " (",
                                          cudaGetErrorString(code), ")"));
}

}  // namespace grpo
