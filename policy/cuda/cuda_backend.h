// What runs on a GPU, behind an interface without CUDA's headers. It lives in a library of its own,
// libgrpo_cuda.so, which is loaded only when a recipe says device = "cuda": a run on the CPU does
// not pay for libtorch_cuda's start.
//
//   ASSIGN_OR_RETURN(const CudaBackend* cuda, LoadCudaBackend());
//   RETURN_IF_ERROR(cuda->PagedLatentAttention(arguments, out, stream));
//
// Streams are cudaStream_t passed as void*; nullptr is the default stream. Pointers are to the
// device's memory unless said otherwise. Calls only put work on the stream; the work's own failure
// is reported by a later call.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace grpo {

enum class CudaElement { kFloat32, kBFloat16 };

// The counterpart of PagedAttentionArgs (policy/kernels/kernels.h), which explains the layout, for
// the device's memory. Letters: N query rows, H heads, L latent rank, R rotary width.
struct CudaPagedAttentionArgs {
  CudaElement element = CudaElement::kFloat32;  // of q, pages and out; sums are fp32 always
  const void* q = nullptr;                      // [N, H, row_dim]
  const void* pages = nullptr;                  // [num_pages, page_size, row_dim]
  const int32_t* block_tables = nullptr;        // [num_sequences, max_pages]
  const int32_t* sequence_of = nullptr;         // [N]: row of block_tables
  const int32_t* num_visible = nullptr;  // [N]: cached rows that the query sees; none gives zeros
  int num_rows = 0;
  int num_heads = 0;
  int row_dim = 0;     // L + R
  int latent_dim = 0;  // L
  int page_size = 0;
  int max_pages = 0;
  float scale = 1;
};

// One rank's place in a group of GPUs. Every rank of the group makes the same calls in the same
// order; a call waits on the device until all have made it. Errors name the rank and the operation.
class CudaCollectives {
 public:
  virtual ~CudaCollectives() = default;
  // Each element becomes its sum over the ranks, in place.
  virtual absl::Status AllReduceSum(float* buffer, int64_t count, void* stream) = 0;
  // Waits for the stream; an error of the group (a rank that died, a broken link) ends the wait.
  virtual absl::Status Wait(void* stream) = 0;
};

class CudaBackend {
 public:
  virtual ~CudaBackend() = default;
  // GPUs that this process can use; an error says why there is none (no driver, a driver too old).
  virtual absl::StatusOr<int> DeviceCount() const = 0;
  // out [N, H, L].
  virtual absl::Status PagedLatentAttention(const CudaPagedAttentionArgs& args, void* out,
                                            void* stream) const = 0;
  // Made by one rank and handed to all others, who then join with it.
  virtual absl::StatusOr<std::string> NewGroupId() const = 0;
  // Blocks until all `num_ranks` have joined. `device` is this process's number of the rank's GPU.
  virtual absl::StatusOr<std::unique_ptr<CudaCollectives>> JoinGroup(const std::string& group_id,
                                                                     int rank, int num_ranks,
                                                                     int device) const = 0;
};

// Loads the library once; kUnavailable, with the loader's reason, where it or what it needs cannot
// be loaded.
absl::StatusOr<const CudaBackend*> LoadCudaBackend(const std::string& library = "libgrpo_cuda.so");

// The library's only symbol, of this type.
using GetCudaBackend = const CudaBackend*();
inline constexpr char kGetCudaBackendName[] = "GrpoGetCudaBackend";

}  // namespace grpo
