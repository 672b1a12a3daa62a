// A checkpoint's tensors in the element type that a file is to hold.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"

#include "policy/checkpoint_reader.h"
#include "policy/streamed_tensor.h"

namespace grpo {

// The type in the file (F32, BF16, …) for an option (keep, f32, f16, bf16, q8_0) and the type that
// a tensor has now. keep: F32, F16 and BF16 stay, FP8 becomes BF16 and all else F32.
std::string TargetType(const std::string& option, const std::string& dtype);

// Hands over a tensor's elements as `dtype`; as they are stored where that is the type already.
absl::Status StreamTensor(const CheckpointReader& checkpoint, const CheckpointTensor& tensor,
                          const std::string& dtype, ByteSink sink);

// The same for values at hand. Errors name the tensor.
absl::Status StreamValues(absl::Span<const float> values, const std::string& dtype,
                          const std::string& name, ByteSink sink);

}  // namespace grpo
