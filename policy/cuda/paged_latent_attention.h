// Attention of query rows over a paged cache of compressed latents (absorbed MLA) on a GPU.
#pragma once

#include "absl/status/status.h"
#include <cuda_runtime.h>

#include "policy/cuda/cuda_backend.h"

namespace grpo {

// kInvalidArgument for sizes that do not fit together or into a block's shared memory.
absl::Status PagedLatentAttention(const CudaPagedAttentionArgs& args, void* out,
                                  cudaStream_t stream);

}  // namespace grpo
