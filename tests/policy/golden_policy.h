// Reads the golden policies of tests/golden.
#pragma once

#include <map>
#include <string>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "data/file.h"
#include "policy/policy_config.h"
#include "policy/policy_folder.h"
#include "policy/safetensors.h"
#include "policy/weights.h"

namespace grpo {

inline constexpr const char* kGoldenPolicies[] = {
    "policy_v3",      "policy_v3_noq",      "policy_v3_yarn", "policy_v2",     "policy_v2_yarn",
    "arch_llama",     "arch_llama_bias",    "arch_mistral",   "arch_qwen2",    "arch_qwen3",
    "arch_qwen3_moe", "arch_glm4_moe_lite", "arch_youtu",     "arch_minicpm3", "arch_latent_bias"};

inline std::string GoldenFolder(const std::string& name) {
  return std::string(GRPO_SOURCE_DIR) + "/tests/golden/" + name;
}

inline Weights GoldenWeights(const std::string& name) {
  auto weights = LoadPolicyFolder(GoldenFolder(name));
  EXPECT_TRUE(weights.ok()) << weights.status();
  return *std::move(weights);
}

inline std::map<std::string, at::Tensor> GoldenReference(const std::string& name) {
  const auto reader = SafetensorsReader::Open(GoldenFolder(name) + "/reference.safetensors");
  EXPECT_TRUE(reader.ok()) << reader.status();
  std::map<std::string, at::Tensor> tensors;
  for (const TensorBytes& bytes : (*reader)->tensors()) {
    const at::ScalarType type = bytes.dtype == "I64"   ? at::kLong
                                : bytes.dtype == "F64" ? at::kDouble
                                                       : at::kFloat;
    at::Tensor tensor = at::empty(bytes.shape, type);
    std::copy(bytes.bytes.begin(), bytes.bytes.end(),
              static_cast<char*>(tensor.mutable_data_ptr()));
    tensors[bytes.name] = tensor;
  }
  return tensors;
}

}  // namespace grpo
