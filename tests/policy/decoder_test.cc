// The whole decoder against transformers and an independent implementation, see
// tests/golden/README.md.
#include "policy/decoder.h"

#include <nlohmann/json.hpp>
#include <torch/csrc/autograd/autograd.h>

#include "policy/ops.h"
#include "tests/policy/golden_policy.h"

namespace grpo {
namespace {

// The golden sequences packed one after the other.
struct PackedGolden {
  at::Tensor tokens;                // [B * T]
  at::Tensor positions;             // [B * T]
  std::vector<int32_t> cu_seqlens;  // B + 1
  int64_t length;                   // T
};

PackedGolden Pack(const at::Tensor& tokens) {
  PackedGolden packed;
  packed.length = tokens.size(1);
  packed.tokens = tokens.reshape({-1});
  packed.positions = at::arange(packed.length).repeat({tokens.size(0)});
  for (int64_t b = 0; b <= tokens.size(0); ++b) packed.cu_seqlens.push_back(b * packed.length);
  return packed;
}

at::Tensor Logits(const Weights& weights, const PackedGolden& packed,
                  RouterOutputs* routers = nullptr) {
  const at::Tensor hidden =
      DecoderHidden(weights, packed.tokens, packed.positions, packed.cu_seqlens, nullptr, routers);
  return Linear(hidden, weights.head);
}

class DecoderGoldenTest : public testing::TestWithParam<const char*> {};

TEST_P(DecoderGoldenTest, GivesTheLogitsOfTransformers) {
  const Weights weights = GoldenWeights(GetParam());
  const auto reference = GoldenReference(GetParam());
  const at::Tensor logits = Logits(weights, Pack(reference.at("tokens")));
  const at::Tensor expected = reference.at("logits").reshape(logits.sizes());
  EXPECT_LT((logits - expected).abs().max().item<float>(), 2e-5);
}

TEST_P(DecoderGoldenTest, StaysWithinRoundingOfTheSameWeightsWidenedWhenMatricesAreBfloat16) {
  const Weights narrow = GoldenWeights(GetParam()).To(at::kBFloat16);
  ASSERT_EQ(narrow.head.scalar_type(), at::kBFloat16);
  ASSERT_EQ(narrow.final_norm.scalar_type(), at::kFloat);
  const PackedGolden packed = Pack(GoldenReference(GetParam()).at("tokens"));
  const at::Tensor wide = Logits(narrow.To(at::kFloat), packed);
  // Where rounding makes a token choose another expert its logits are others: most do not.
  const at::Tensor differences = (Logits(narrow, packed) - wide).abs().amax({1});
  EXPECT_LT(differences.median().item<float>(), 0.03 * wide.std().item<float>());
  EXPECT_GT(differences.max().item<float>(), 0);
}

TEST_P(DecoderGoldenTest, ChoosesTheSameExperts) {
  const Weights weights = GoldenWeights(GetParam());
  const auto reference = GoldenReference(GetParam());
  RouterOutputs routers;
  Logits(weights, Pack(reference.at("tokens")), &routers);
  const ExpertChoices& chosen = routers.chosen;
  if (weights.config.num_moe_layers() == 0) {
    EXPECT_TRUE(chosen.layers.empty());
    return;
  }
  const at::Tensor expected = reference.at("experts");
  ASSERT_EQ(chosen.layers.size(), static_cast<size_t>(expected.size(0)));
  for (size_t layer = 0; layer < chosen.layers.size(); ++layer) {
    EXPECT_TRUE(chosen.layers[layer].equal(expected[layer].reshape(chosen.layers[layer].sizes())));
  }
}

TEST_P(DecoderGoldenTest, GivesTheLossAndEveryGradientInDoublePrecision) {
  Weights weights = GoldenWeights(GetParam()).To(at::kDouble);
  for (const NamedTensor& parameter : weights.Parameters()) {
    parameter.tensor.set_requires_grad(true);
  }
  const auto reference = GoldenReference(GetParam());
  const PackedGolden packed = Pack(reference.at("tokens"));
  const at::Tensor hidden =
      DecoderHidden(weights, packed.tokens, packed.positions, packed.cu_seqlens, nullptr, nullptr);
  std::vector<int64_t> rows, targets;
  for (int64_t n = 0; n < packed.tokens.numel(); ++n) {
    if ((n + 1) % packed.length == 0) continue;
    rows.push_back(n);
    targets.push_back(packed.tokens[n + 1].item<int64_t>());
  }
  const at::Tensor logprobs =
      TokenLogprobs(hidden.index_select(0, at::tensor(rows)), weights.head, at::tensor(targets), 1)
          .first;
  const at::Tensor nll = -logprobs.mean();
  EXPECT_NEAR(nll.item<double>(), reference.at("nll").item<double>(), 1e-12);

  // Gradients arrive fused; a Weights of gradients splits them under the checkpoint's names.
  std::vector<at::Tensor> parameters;
  for (const NamedTensor& parameter : weights.Parameters()) parameters.push_back(parameter.tensor);
  const auto gradients = torch::autograd::grad({nll}, parameters);
  Weights fused = weights;
  size_t next = 0;
  std::map<const void*, at::Tensor> gradient_of;
  for (const at::Tensor& parameter : parameters)
    gradient_of[parameter.const_data_ptr()] = gradients[next++];
  ForEachTensor(fused, [&](at::Tensor& tensor) {
    const auto found = gradient_of.find(tensor.const_data_ptr());
    if (found != gradient_of.end()) tensor = found->second;
  });
  int compared = 0;
  for (const NamedTensor& named : fused.CheckpointTensors()) {
    const auto expected = reference.find("grad." + named.name);
    if (expected == reference.end()) continue;
    const at::Tensor wanted = expected->second.to(at::kDouble);
    const double scale = wanted.abs().max().item<double>();
    EXPECT_LE((named.tensor - wanted).abs().max().item<double>(), 1e-6 * scale + 1e-12)
        << named.name;
    ++compared;
  }
  int references = 0;
  for (const auto& [name, tensor] : reference) references += name.rfind("grad.", 0) == 0;
  EXPECT_EQ(compared, references);
}

TEST_P(DecoderGoldenTest, GivesTheSameBitsForASequenceAloneAndPackedWithOthers) {
  const Weights weights = GoldenWeights(GetParam());
  const at::Tensor tokens = GoldenReference(GetParam()).at("tokens");
  const at::Tensor together = Logits(weights, Pack(tokens));
  for (int64_t b = 0; b < tokens.size(0); ++b) {
    const at::Tensor alone = Logits(weights, Pack(tokens.narrow(0, b, 1)));
    EXPECT_TRUE(alone.equal(together.narrow(0, b * tokens.size(1), tokens.size(1))))
        << "sequence " << b;
  }
}

// The most likely next token, again and again: no near tie is among the golden choices.
TEST_P(DecoderGoldenTest, ContinuesGreedilyAsTransformersDoes) {
  const Weights weights = GoldenWeights(GetParam());
  const auto text = ReadFile(GoldenFolder("greedy.json"));
  ASSERT_TRUE(text.ok()) << text.status();
  const nlohmann::json golden = nlohmann::json::parse(*text).at(GetParam());
  for (size_t b = 0; b < golden["prompts"].size(); ++b) {
    auto tokens = golden["prompts"][b].get<std::vector<int64_t>>();
    const auto expected = golden["tokens"][b].get<std::vector<int64_t>>();
    const size_t prompt = tokens.size();
    for (size_t n = 0; n < expected.size(); ++n) {
      const at::Tensor logits = Logits(weights, Pack(at::tensor(tokens, at::kLong).unsqueeze(0)));
      tokens.push_back(logits[logits.size(0) - 1].argmax().item<int64_t>());
    }
    EXPECT_EQ(std::vector<int64_t>(tokens.begin() + prompt, tokens.end()), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, DecoderGoldenTest, testing::ValuesIn(kGoldenPolicies),
                         [](const auto& info) { return std::string(info.param); });

TEST(DecoderTest, ReplaysTheExpertsItIsGiven) {
  const Weights weights = GoldenWeights("policy_v3");
  const PackedGolden packed = Pack(GoldenReference("policy_v3").at("tokens"));
  ExpertChoices fixed;
  RouterOutputs used;
  for (int layer = 0; layer < weights.config.num_moe_layers(); ++layer) {
    fixed.layers.push_back(at::arange(2).repeat({packed.tokens.numel(), 1}));
  }
  DecoderHidden(weights, packed.tokens, packed.positions, packed.cu_seqlens, &fixed, &used);
  for (const at::Tensor& layer : used.chosen.layers) EXPECT_TRUE(layer.equal(fixed.layers[0]));
}

}  // namespace
}  // namespace grpo
