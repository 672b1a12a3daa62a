// Tensors on their way into a file, one at a time: a file may be larger than the memory.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "data/file.h"

namespace grpo {

// Takes the next bytes of a tensor.
using ByteSink = absl::FunctionRef<absl::Status(absl::string_view)>;

struct StreamedTensor {
  std::string name;
  std::string dtype;                            // F32, BF16, Q8_0, …
  std::vector<int64_t> shape;                   // row-major; empty: one element
  std::string source;                           // where the values come from, for people
  std::function<absl::Status(ByteSink)> write;  // hands all bytes over, in any number of pieces
};

// Appends a tensor's bytes; kInternal where there are not as many as expected.
absl::Status AppendTensor(const StreamedTensor& tensor, uint64_t expected_bytes,
                          AppendOnlyFile& file);

// Puts a file in the place of whatever `path` was, in one step: `write` fills a temporary file,
// which is flushed and renamed, or removed where anything fails.
absl::Status WriteFileInOneStep(const std::string& path,
                                absl::FunctionRef<absl::Status(AppendOnlyFile&)> write);

}  // namespace grpo
