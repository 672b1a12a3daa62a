// The rollouts' forward against the learner's, on every architecture: the same bits.
#include "rollout/batch_forward.h"

#include <gtest/gtest.h>

#include "policy/decoder.h"
#include "policy/ops.h"
#include "tests/policy/golden_policy.h"
#include "tests/policy/random_adapters.h"

namespace grpo {
namespace {

struct Result {
  at::Tensor logits;             // [T, V]
  std::vector<int16_t> experts;  // [T, M, K]
};

Result OfLearner(const Weights& weights, const at::Tensor& tokens) {
  const int64_t length = tokens.numel();
  RouterOutputs routers;
  const at::Tensor hidden =
      DecoderHidden(weights, tokens, at::arange(length),
                    std::vector<int32_t>{0, static_cast<int32_t>(length)}, nullptr, &routers);
  Result result{Adapt(Linear(hidden, weights.head), 0, hidden, weights.adapters.head), {}};
  for (int64_t t = 0; t < length; ++t) {
    for (const at::Tensor& layer : routers.chosen.layers) {
      for (int64_t k = 0; k < layer.size(1); ++k)
        result.experts.push_back(layer[t][k].item<int64_t>());
    }
  }
  return result;
}

// The same tokens as one sequence, fed `chunk` at a time.
Result OfRollouts(const Weights& weights, const at::Tensor& tokens, int chunk, int threads,
                  int page_size) {
  const bool bf16 = AttendsInBFloat16(weights);
  if (bf16) page_size = kBf16PageTokens;
  const int length = static_cast<int>(tokens.numel());
  const auto packed = PackedWeights::Pack(weights, {.threads = threads});
  EXPECT_TRUE(packed.ok()) << packed.status();
  PagedCache cache(
      weights.config,
      {.pages = 64, .page_size = page_size, .sequences = 1, .tokens = length, .bf16 = bf16});
  BatchForward forward(weights, **packed, cache, threads, chunk, chunk);
  TeamBarrier barrier(threads);
  const int sequence = cache.NewSequence();
  Result result{at::empty({length, weights.config.vocab_size}), {}};
  for (int begin = 0; begin < length; begin += chunk) {
    std::vector<BatchRow> rows;
    std::vector<int32_t> wanted;
    for (int t = begin; t < std::min(length, begin + chunk); ++t) {
      rows.push_back({static_cast<int32_t>(tokens[t].item<int64_t>()), sequence, t});
      wanted.push_back(t - begin);
      EXPECT_TRUE(cache.Extend(sequence, rows.back().token));
    }
    forward.SetBatch(rows, wanted);
    EXPECT_TRUE(RunThreads(threads, [&](int thread) {
                  forward.Run(thread, barrier);
                  return absl::OkStatus();
                }).ok());
    for (size_t i = 0; i < rows.size(); ++i) {
      std::copy_n(forward.Logits(i), weights.config.vocab_size,
                  result.logits[begin + i].mutable_data_ptr<float>());
      const int16_t* experts = forward.Experts(i);
      result.experts.insert(result.experts.end(), experts, experts + cache.experts_per_token());
    }
  }
  return result;
}

class BatchForwardTest : public testing::TestWithParam<const char*> {};

TEST_P(BatchForwardTest, GivesTheBitsOfTheLearnersForwardInChunksOfAnySizeOnAnyNumberOfThreads) {
  const at::Tensor tokens = GoldenReference(GetParam()).at("tokens")[0].contiguous();
  for (const auto& [type, adapts] : {std::pair<at::ScalarType, bool>{at::kFloat, false},
                                     {at::kBFloat16, false},
                                     {at::kFloat, true},
                                     {at::kBFloat16, true}}) {
    Weights wide = GoldenWeights(GetParam());
    if (adapts) wide.adapters = RandomAdapters(wide.config, 3);
    const Weights weights = wide.To(type);
    const Result expected = OfLearner(weights, tokens);
    for (const auto& [chunk, threads, page_size] :
         {std::tuple<int, int, int>{1, 1, 16}, {1000, 2, 16}, {5, 3, 4}, {1, 2, 1}}) {
      const Result found = OfRollouts(weights, tokens, chunk, threads, page_size);
      EXPECT_TRUE(found.logits.equal(expected.logits)) << "in chunks of " << chunk;
      EXPECT_EQ(found.experts, expected.experts);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, BatchForwardTest, testing::ValuesIn(kGoldenPolicies),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace grpo
