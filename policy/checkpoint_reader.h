// A model's weights, configuration and tokenizer from whatever holds them: a Hugging Face folder
// (a checkpoint of ours is one) or a GGUF file. Always under Hugging Face's names and layouts, the
// configuration as a config.json.
//
//   ASSIGN_OR_RETURN(auto checkpoint, CheckpointReader::Open("model.gguf"));
//   for (const CheckpointTensor& tensor : checkpoint->tensors()) {
//     std::vector<float> values(tensor.elements());
//     RETURN_IF_ERROR(checkpoint->Read(tensor, absl::MakeSpan(values)));
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"

namespace grpo {

struct CheckpointTensor {
  std::string name;            // Hugging Face's; the experts of a layer are tensors of their own
  std::vector<int64_t> shape;  // row-major
  std::string source;          // the tensor's name where it is stored, and which part of it
  std::string dtype;           // the type there: BF16, F8_E4M3, Q4_K, …
  int64_t elements() const;
};

// Immutable and safe to share among threads. The files must not be cut short while it lives.
class CheckpointReader {
 public:
  // A folder with config.json and safetensors, or a file that ends in .gguf. Everything is checked
  // but the values; an error names the file and the key or tensor.
  static absl::StatusOr<std::unique_ptr<CheckpointReader>> Open(const std::string& path);

  virtual ~CheckpointReader() = default;
  CheckpointReader(const CheckpointReader&) = delete;
  CheckpointReader& operator=(const CheckpointReader&) = delete;

  const std::string& path() const { return path_; }
  // Texts of JSON. Of quantised weights config_json() says nothing: they are read as numbers.
  const std::string& config_json() const { return config_json_; }
  const std::string& tokenizer_json() const {
    return tokenizer_json_;
  }  // empty where there is none
  const std::string& tokenizer_config_json() const { return tokenizer_config_json_; }    // likewise
  const std::string& generation_config_json() const { return generation_config_json_; }  // likewise

  const std::vector<CheckpointTensor>& tensors() const { return tensors_; }  // by name
  const CheckpointTensor* Find(absl::string_view name) const;  // nullptr where there is none

  // Fills `out` (as many elements as the tensor has) in row-major order; quantised values are
  // multiplied out. The file's own memory is given back as it is read. An error names the tensor:
  // values that are no numbers in FP8, a type that cannot be converted.
  absl::Status Read(const CheckpointTensor& tensor, absl::Span<float> out) const;
  // The tensor's elements of type `dtype` as they are stored, mapped from the file; nullopt where
  // they are put together from several places, reordered, or of no use without their scales.
  virtual absl::optional<absl::Span<const char>> Bytes(const CheckpointTensor& tensor) const = 0;

 protected:
  CheckpointReader() = default;
  // Of tensors without Bytes().
  virtual absl::Status Assemble(const CheckpointTensor& tensor, absl::Span<float> out) const = 0;
  // The place of a tensor of this reader in tensors().
  size_t IndexOf(const CheckpointTensor& tensor) const { return &tensor - tensors_.data(); }

  std::string path_;
  std::string config_json_;
  std::string tokenizer_json_;
  std::string tokenizer_config_json_;
  std::string generation_config_json_;
  std::vector<CheckpointTensor> tensors_;
};

}  // namespace grpo
