// Any bytes as a GGUF file: read or refused, never a crash. What can be read as a checkpoint is
// read in full, its tokenizer included, and planned as a GGUF file again.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include <unistd.h>

#include "policy/checkpoint_conversion.h"
#include "policy/checkpoint_reader.h"

namespace {

constexpr int64_t kMaxElements = 1 << 20;  // empty blocks claim more elements than there are bytes

void ReadAll(const grpo::CheckpointReader& checkpoint) {
  for (const grpo::CheckpointTensor& tensor : checkpoint.tensors()) {
    if (tensor.elements() > kMaxElements) continue;
    std::vector<float> values(tensor.elements());
    checkpoint.Read(tensor, absl::MakeSpan(values)).IgnoreError();
  }
  const auto plan = grpo::PlanGguf(checkpoint, {});
  if (!plan.ok()) return;
  for (const grpo::StreamedTensor& tensor : plan->tensors) {
    tensor.write([](absl::string_view) { return absl::OkStatus(); }).IgnoreError();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string path = "/tmp/gguf_fuzz." + std::to_string(getpid()) + ".gguf";
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return 0;
  std::fwrite(data, 1, size, file);
  std::fclose(file);
  const auto checkpoint = grpo::CheckpointReader::Open(path);
  if (checkpoint.ok()) ReadAll(**checkpoint);
  std::remove(path.c_str());
  return 0;
}
