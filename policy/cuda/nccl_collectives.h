// Collectives of several GPUs through NCCL.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <cuda_runtime.h>
#include <nccl.h>

#include "policy/cuda/cuda_backend.h"

namespace grpo {

// Owns one rank's communicator. For one thread.
class NcclCollectives : public CudaCollectives {
 public:
  // The bytes of a fresh ncclUniqueId.
  static absl::StatusOr<std::string> NewGroupId();
  // Blocks until all ranks have joined.
  static absl::StatusOr<std::unique_ptr<CudaCollectives>> Join(const std::string& group_id,
                                                               int rank, int num_ranks, int device);
  ~NcclCollectives() override;
  NcclCollectives(const NcclCollectives&) = delete;
  NcclCollectives& operator=(const NcclCollectives&) = delete;

  absl::Status AllReduceSum(float* buffer, int64_t count, void* stream) override;
  absl::Status Wait(void* stream) override;

 private:
  NcclCollectives(ncclComm_t communicator, int rank, int num_ranks, int device)
      : communicator_(communicator), rank_(rank), num_ranks_(num_ranks), device_(device) {}
  // Turns NCCL's code into a message with rank and operation; after an error the group is given up.
  absl::Status Check(ncclResult_t code, const char* operation);

  ncclComm_t communicator_;  // null once given up
  const int rank_;
  const int num_ranks_;
  const int device_;
};

}  // namespace grpo
