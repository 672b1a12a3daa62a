// From a checkpoint in any form to a Hugging Face folder or a GGUF file. A plan lists what will
// be written; the tensors are read and written one at a time.
//
//   ASSIGN_OR_RETURN(auto checkpoint, CheckpointReader::Open("policy/"));
//   ASSIGN_OR_RETURN(const auto plan, PlanGguf(*checkpoint, {.dtype = "f16"}));
//   RETURN_IF_ERROR(plan.Write("policy.gguf"));
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "policy/checkpoint_reader.h"
#include "policy/gguf.h"
#include "policy/streamed_tensor.h"

namespace grpo {

struct ConversionOptions {
  // keep, f32, f16, bf16 or (GGUF alone) q8_0. keep: as it is stored where the destination has the
  // type, FP8 as bf16, quantised blocks as f32.
  std::string dtype = "keep";
  std::string name;  // GGUF's general.name
  std::string pre;   // llama.cpp's name of the pre-tokenizer; empty: find it
};

struct FolderPlan {
  std::vector<std::pair<std::string, std::string>> files;  // names with their texts
  std::vector<StreamedTensor> tensors;

  // Makes the folder in one step. kAlreadyExists where something stands there.
  absl::Status Write(const std::string& folder) const;
};

struct GgufPlan {
  GgufMetadata metadata;
  std::vector<StreamedTensor> tensors;

  // Makes the file in one step. kAlreadyExists where something stands there.
  absl::Status Write(const std::string& path) const;
};

// The plans read from the checkpoint when they are written: it must live that long. A folder kept
// as it is (keep, from a folder) has the same tensors byte for byte, FP8 with its scales.
absl::StatusOr<FolderPlan> PlanFolder(const CheckpointReader& checkpoint,
                                      const ConversionOptions& options);
// As llama.cpp's converter writes it: vectors, norms and routers in F32, experts stacked, latent
// keys and values split, `llama`'s rows permuted, layers behind the last one left out.
absl::StatusOr<GgufPlan> PlanGguf(const CheckpointReader& checkpoint,
                                  const ConversionOptions& options);

}  // namespace grpo
