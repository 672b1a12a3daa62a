#include "policy/gguf_names.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace grpo {
namespace {

constexpr char kGgufLayers[] = "blk.";
constexpr char kHuggingFaceLayers[] = "model.layers.";
constexpr char kExperts[] = "mlp.experts.";

struct Row {
  const char* gguf;
  const char* hugging_face;
  TensorLayout layout = TensorLayout::kSame;
};

constexpr Row kOutsideLayers[] = {
    {"token_embd.weight", "model.embed_tokens.weight"},
    {"output_norm.weight", "model.norm.weight"},
    {"output.weight", "lm_head.weight"},
};

constexpr Row kInLayers[] = {
    {"attn_norm.weight", "input_layernorm.weight"},
    {"ffn_norm.weight", "post_attention_layernorm.weight"},
    // Attention with grouped queries.
    {"attn_q.weight", "self_attn.q_proj.weight", TensorLayout::kQueryRows},
    {"attn_k.weight", "self_attn.k_proj.weight", TensorLayout::kKeyRows},
    {"attn_v.weight", "self_attn.v_proj.weight"},
    {"attn_q.bias", "self_attn.q_proj.bias", TensorLayout::kQueryRows},
    {"attn_k.bias", "self_attn.k_proj.bias", TensorLayout::kKeyRows},
    {"attn_v.bias", "self_attn.v_proj.bias"},
    {"attn_output.weight", "self_attn.o_proj.weight"},
    {"attn_output.bias", "self_attn.o_proj.bias"},
    {"attn_q_norm.weight", "self_attn.q_norm.weight"},
    {"attn_k_norm.weight", "self_attn.k_norm.weight"},
    // Latent attention.
    {"attn_q_a.weight", "self_attn.q_a_proj.weight"},
    {"attn_q_a_norm.weight", "self_attn.q_a_layernorm.weight"},
    {"attn_q_b.weight", "self_attn.q_b_proj.weight"},
    {"attn_kv_a_mqa.weight", "self_attn.kv_a_proj_with_mqa.weight"},
    {"attn_kv_a_norm.weight", "self_attn.kv_a_layernorm.weight"},
    {"attn_kv_b.weight", "self_attn.kv_b_proj.weight", TensorLayout::kKeyValueB},
    {"attn_k_b.weight", "self_attn.kv_b_proj.weight", TensorLayout::kKeyB},
    {"attn_v_b.weight", "self_attn.kv_b_proj.weight", TensorLayout::kValueB},
    // Dense MLP.
    {"ffn_gate.weight", "mlp.gate_proj.weight"},
    {"ffn_up.weight", "mlp.up_proj.weight"},
    {"ffn_down.weight", "mlp.down_proj.weight"},
    // Experts: in a checkpoint "mlp.experts.E." and the second name.
    {"ffn_gate_inp.weight", "mlp.gate.weight"},
    {"exp_probs_b.bias", "mlp.gate.e_score_correction_bias"},
    {"ffn_gate_exps.weight", "gate_proj.weight", TensorLayout::kExperts},
    {"ffn_up_exps.weight", "up_proj.weight", TensorLayout::kExperts},
    {"ffn_down_exps.weight", "down_proj.weight", TensorLayout::kExperts},
    {"ffn_gate_shexp.weight", "mlp.shared_experts.gate_proj.weight"},
    {"ffn_up_shexp.weight", "mlp.shared_experts.up_proj.weight"},
    {"ffn_down_shexp.weight", "mlp.shared_experts.down_proj.weight"},
    // DeepSeek-V3's layers behind the last one, which predict a token further.
    {"nextn.eh_proj.weight", "eh_proj.weight"},
    {"nextn.enorm.weight", "enorm.weight"},
    {"nextn.hnorm.weight", "hnorm.weight"},
    {"nextn.embed_tokens.weight", "embed_tokens.weight"},
    {"nextn.shared_head_norm.weight", "shared_head.norm.weight"},
    {"nextn.shared_head_head.weight", "shared_head.head.weight"},
};

// Takes the number at the start of `text` and the dot behind it.
bool TakeNumber(absl::string_view* text, int* number) {
  const size_t dot = text->find('.');
  if (dot == absl::string_view::npos || dot == 0 || dot > 6) return false;
  for (const char c : text->substr(0, dot)) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  // "07" would be a second name of 7.
  if (dot > 1 && (*text)[0] == '0') return false;
  if (!absl::SimpleAtoi(text->substr(0, dot), number)) return false;
  text->remove_prefix(dot + 1);
  return true;
}

}  // namespace

bool SplitLayer(absl::string_view name, absl::string_view prefix, int* layer,
                absl::string_view* stem) {
  if (!absl::StartsWith(name, prefix)) return false;
  *stem = name.substr(prefix.size());
  return TakeNumber(stem, layer);
}

absl::optional<TensorName> GgufToHuggingFace(absl::string_view gguf_name) {
  TensorName name;
  absl::string_view stem;
  if (SplitLayer(gguf_name, kGgufLayers, &name.layer, &stem)) {
    for (const Row& row : kInLayers) {
      if (stem != row.gguf) continue;
      name.stem = row.hugging_face;
      name.layout = row.layout;
      return name;
    }
    return absl::nullopt;
  }
  for (const Row& row : kOutsideLayers) {
    if (gguf_name == row.gguf) return TensorName{-1, row.hugging_face};
  }
  return absl::nullopt;
}

absl::optional<TensorName> HuggingFaceToGguf(absl::string_view hugging_face_name) {
  TensorName name;
  absl::string_view stem;
  if (!SplitLayer(hugging_face_name, kHuggingFaceLayers, &name.layer, &stem)) {
    for (const Row& row : kOutsideLayers) {
      if (hugging_face_name == row.hugging_face) return TensorName{-1, row.gguf};
    }
    return absl::nullopt;
  }
  if (absl::StartsWith(stem, kExperts)) {
    stem.remove_prefix(sizeof(kExperts) - 1);
    if (!TakeNumber(&stem, &name.expert)) return absl::nullopt;
  }
  for (const Row& row : kInLayers) {
    const bool of_an_expert = row.layout == TensorLayout::kExperts;
    if (stem != row.hugging_face || of_an_expert != (name.expert >= 0)) continue;
    name.stem = row.gguf;
    name.layout = row.layout;
    return name;
  }
  return absl::nullopt;
}

std::string GgufName(int layer, absl::string_view stem) {
  return layer < 0 ? std::string(stem) : absl::StrCat(kGgufLayers, layer, ".", stem);
}

std::string HuggingFaceName(int layer, absl::string_view stem) {
  return layer < 0 ? std::string(stem) : absl::StrCat(kHuggingFaceLayers, layer, ".", stem);
}

std::string HuggingFaceExpertName(int layer, int expert, absl::string_view stem) {
  return absl::StrCat(kHuggingFaceLayers, layer, ".", kExperts, expert, ".", stem);
}

}  // namespace grpo
