// Everything that libgrpo_cuda.so offers, behind its one symbol.

#include "policy/cuda/cuda_backend.h"

#include <cuda_runtime.h>

#include "data/status_macros.h"
#include "policy/cuda/cuda_status.h"
#include "policy/cuda/nccl_collectives.h"
#include "policy/cuda/paged_latent_attention.h"

namespace grpo {
namespace {

class LinkedCudaBackend : public CudaBackend {
 public:
  absl::StatusOr<int> DeviceCount() const override {
    int count = 0;
    RETURN_IF_ERROR(CudaStatus(cudaGetDeviceCount(&count), "count the GPUs"));
    return count;
  }
  absl::Status PagedLatentAttention(const CudaPagedAttentionArgs& args, void* out,
                                    void* stream) const override {
    return ::grpo::PagedLatentAttention(args, out, static_cast<cudaStream_t>(stream));
  }
  absl::StatusOr<std::string> NewGroupId() const override { return NcclCollectives::NewGroupId(); }
  absl::StatusOr<std::unique_ptr<CudaCollectives>> JoinGroup(const std::string& group_id, int rank,
                                                             int num_ranks,
                                                             int device) const override {
    return NcclCollectives::Join(group_id, rank, num_ranks, device);
  }
};

}  // namespace
}  // namespace grpo

extern "C" __attribute__((visibility("default"))) const grpo::CudaBackend* GrpoGetCudaBackend() {
  static const auto* const backend = new grpo::LinkedCudaBackend;
  return backend;
}
