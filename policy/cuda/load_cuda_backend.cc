#include "absl/strings/str_cat.h"
#include <dlfcn.h>

#include "policy/cuda/cuda_backend.h"

namespace grpo {

absl::StatusOr<const CudaBackend*> LoadCudaBackend(const std::string& library) {
  // Never closed: LibTorch's CUDA part cannot be taken out of a process. dlopen gives the same
  // handle every time.
  void* const handle = dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (handle == nullptr) {
    const char* const reason = dlerror();
    return absl::UnavailableError(
        absl::StrCat("device \"cuda\": cannot load ", library, ": ",
                     reason == nullptr ? "unknown reason" : reason,
                     ". It is built where nvcc is found (call ./grpo build once the CUDA Toolkit "
                     "is installed); otherwise use "
                     "device \"cpu\""));
  }
  auto* const get = reinterpret_cast<GetCudaBackend*>(dlsym(handle, kGetCudaBackendName));
  if (get == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("device \"cuda\": ", library, " has no function ", kGetCudaBackendName));
  }
  return get();
}

}  // namespace grpo
