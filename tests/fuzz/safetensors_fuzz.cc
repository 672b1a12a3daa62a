// Any bytes as a weight file: read or refused, never a crash.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

#include <unistd.h>

#include "policy/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string path = "/tmp/safetensors_fuzz." + std::to_string(getpid());
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return 0;
  std::fwrite(data, 1, size, file);
  std::fclose(file);
  const auto reader = grpo::SafetensorsReader::Open(path);
  if (reader.ok()) {
    uint64_t sum = 0;
    for (const grpo::TensorBytes& tensor : (*reader)->tensors()) {
      for (const char byte : tensor.bytes) sum += static_cast<unsigned char>(byte);
    }
    volatile uint64_t sink = sum;  // every byte of the mapping was read
    (void)sink;
  }
  std::remove(path.c_str());
  return 0;
}
