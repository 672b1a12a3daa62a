#include "policy/cuda/nccl_collectives.h"

#include <chrono>
#include <cstring>
#include <thread>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

#include "data/status_macros.h"
#include "policy/cuda/cuda_status.h"

namespace grpo {
namespace {

constexpr std::chrono::microseconds kPollInterval(50);

std::string RankText(int rank, int num_ranks) {
  return absl::StrCat("rank ", rank, " of ", num_ranks);
}

absl::Status NcclStatus(ncclResult_t code, const std::string& operation) {
  if (code == ncclSuccess || code == ncclInProgress) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(operation, ": NCCL says ", ncclGetErrorString(code)));
}

}  // namespace

absl::StatusOr<std::string> NcclCollectives::NewGroupId() {
  ncclUniqueId id;
  RETURN_IF_ERROR(NcclStatus(ncclGetUniqueId(&id), "new group id"));
  return std::string(id.internal, sizeof(id.internal));
}

absl::StatusOr<std::unique_ptr<CudaCollectives>> NcclCollectives::Join(const std::string& group_id,
                                                                       int rank, int num_ranks,
                                                                       int device) {
  ncclUniqueId id;
  const std::string operation =
      absl::StrCat(RankText(rank, num_ranks), ": join the group on GPU ", device);
  if (group_id.size() != sizeof(id.internal)) {
    return absl::InvalidArgumentError(absl::StrCat(operation, ": the group id has ",
                                                   group_id.size(), " bytes, expected ",
                                                   sizeof(id.internal)));
  }
  if (rank < 0 || rank >= num_ranks) {
    return absl::InvalidArgumentError(absl::StrCat(operation, ": there is no such rank"));
  }
  std::memcpy(id.internal, group_id.data(), sizeof(id.internal));
  RETURN_IF_ERROR(CudaStatus(cudaSetDevice(device), operation));
  ncclComm_t communicator = nullptr;
  RETURN_IF_ERROR(NcclStatus(ncclCommInitRank(&communicator, num_ranks, id, rank), operation));
  return absl::WrapUnique(new NcclCollectives(communicator, rank, num_ranks, device));
}

NcclCollectives::~NcclCollectives() {
  if (communicator_ != nullptr) ncclCommDestroy(communicator_);
}

absl::Status NcclCollectives::AllReduceSum(float* buffer, int64_t count, void* stream) {
  if (communicator_ == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(RankText(rank_, num_ranks_), ": all-reduce: the group broke earlier"));
  }
  RETURN_IF_ERROR(CudaStatus(cudaSetDevice(device_),
                             absl::StrCat(RankText(rank_, num_ranks_), ": all-reduce")));
  return Check(ncclAllReduce(buffer, buffer, count, ncclFloat32, ncclSum, communicator_,
                             static_cast<cudaStream_t>(stream)),
               "all-reduce");
}

absl::Status NcclCollectives::Wait(void* stream) {
  // A plain wait on the stream would never end where another rank has died: NCCL's own error is
  // looked for meanwhile.
  while (communicator_ != nullptr) {
    const cudaError_t state = cudaStreamQuery(static_cast<cudaStream_t>(stream));
    if (state != cudaErrorNotReady) {
      return CudaStatus(state, absl::StrCat(RankText(rank_, num_ranks_), ": wait for the stream"));
    }
    ncclResult_t group_state = ncclSuccess;
    RETURN_IF_ERROR(Check(ncclCommGetAsyncError(communicator_, &group_state), "wait"));
    RETURN_IF_ERROR(Check(group_state, "wait"));
    std::this_thread::sleep_for(kPollInterval);
  }
  return absl::FailedPreconditionError(
      absl::StrCat(RankText(rank_, num_ranks_), ": wait: the group broke earlier"));
}

absl::Status NcclCollectives::Check(ncclResult_t code, const char* operation) {
  absl::Status status =
      NcclStatus(code, absl::StrCat(RankText(rank_, num_ranks_), ": ", operation));
  if (!status.ok()) {
    ncclCommAbort(communicator_);
    communicator_ = nullptr;
  }
  return status;
}

}  // namespace grpo
