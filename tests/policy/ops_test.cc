// Each operation against a straightforward composition of ATen's, and its gradients against finite
// differences.
#include "policy/ops.h"

#include <functional>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "policy/threads.h"

namespace grpo {
namespace {

at::Tensor Random(at::IntArrayRef sizes, int64_t seed, at::ScalarType type = at::kDouble) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::randn(sizes, generator, at::TensorOptions().dtype(type));
}

// Compares the gradient of sum(f(inputs) * random) with central differences in every entry of every
// input.
void ExpectGradientsOfFiniteDifferences(
    const std::function<at::Tensor(const std::vector<at::Tensor>&)>& f,
    std::vector<at::Tensor> inputs) {
  for (at::Tensor& input : inputs) input.set_requires_grad(true);
  const at::Tensor out = f(inputs);
  const at::Tensor factors = Random(out.sizes(), 99);
  const auto gradients = torch::autograd::grad({(out * factors).sum()}, inputs);
  c10::AutoGradMode no_grad(false);
  const double step = 1e-6;
  for (size_t i = 0; i < inputs.size(); ++i) {
    double* values = inputs[i].mutable_data_ptr<double>();
    const at::Tensor gradient = gradients[i].contiguous();
    for (int64_t n = 0; n < inputs[i].numel(); ++n) {
      const double value = values[n];
      values[n] = value + step;
      const double above = (f(inputs) * factors).sum().item<double>();
      values[n] = value - step;
      const double below = (f(inputs) * factors).sum().item<double>();
      values[n] = value;
      ASSERT_NEAR(gradient.const_data_ptr<double>()[n], (above - below) / (2 * step), 2e-7)
          << "input " << i << " entry " << n;
    }
  }
}

TEST(LinearTest, IsTheMatrixProduct) {
  for (const auto& [rows, in, out] :
       {std::tuple<int, int, int>{1, 5, 3}, {13, 300, 70}, {64, 128, 33}}) {
    const at::Tensor x = Random({rows, in}, 1), weight = Random({out, in}, 2);
    EXPECT_TRUE(Linear(x, weight).allclose(x.matmul(weight.t()), 1e-12, 1e-12));
    EXPECT_TRUE(Linear(x.to(at::kFloat), weight.to(at::kFloat))
                    .to(at::kDouble)
                    .allclose(x.matmul(weight.t()), 1e-4, 1e-4));
  }
}

TEST(LinearTest, GivesARowTheSameBitsInAnyBatch) {
  const at::Tensor x = Random({67, 130}, 1, at::kFloat), weight = Random({75, 130}, 2, at::kFloat);
  const at::Tensor together = Linear(x, weight);
  for (int64_t rows : {1, 2, 5, 11, 12, 13, 40}) {
    EXPECT_TRUE(
        Linear(x.narrow(0, 3, rows).contiguous(), weight).equal(together.narrow(0, 3, rows)))
        << rows;
  }
}

TEST(LinearTest, SumsFewRowsAsItSumsManyWhateverTheSizes) {
  for (int in : {1, 7, 16, 40, 300}) {
    for (int out : {1, 8, 15, 16, 17, 33, 130}) {
      const at::Tensor x = Random({20, in}, 1, at::kFloat),
                       weight = Random({out, in}, 2, at::kFloat), narrow = weight.to(at::kBFloat16);
      const at::Tensor many = Linear(x, weight), many_narrow = Linear(x, narrow);
      for (int64_t rows = 1; rows < 14; ++rows) {
        const at::Tensor few = x.narrow(0, 2, rows).contiguous();
        EXPECT_TRUE(Linear(few, weight).equal(many.narrow(0, 2, rows)))
            << rows << " x " << in << " x " << out;
        EXPECT_TRUE(Linear(few, narrow).equal(many_narrow.narrow(0, 2, rows)))
            << rows << " x " << in << " x " << out;
      }
    }
  }
}

TEST(LinearTest, RoundsTheOtherFactorOfBfloat16WeightsAndTheResultTooWhenFast) {
  const at::Tensor x = at::randn({7, 300}), weight = at::randn({33, 300}).to(at::kBFloat16);
  const at::Tensor exact = Linear(x, weight);
  EXPECT_TRUE(exact.allclose(Linear(x.to(at::kBFloat16).to(at::kFloat), weight.to(at::kFloat)),
                             1e-4, 1e-4));
  {
    const NumericsScope scope(Numerics::kFast);
    const at::Tensor fast = Linear(x, weight);
    EXPECT_EQ(fast.scalar_type(), at::kFloat);
    EXPECT_TRUE(fast.equal(at::mm(x.to(at::kBFloat16), weight.t()).to(at::kFloat)));
    EXPECT_TRUE(fast.allclose(exact, 1e-2, 0.2));
  }
  EXPECT_TRUE(Linear(x, weight).equal(exact));
}

TEST(LinearTest, HasTheGradientsOfFiniteDifferences) {
  ExpectGradientsOfFiniteDifferences([](const auto& in) { return Linear(in[0], in[1]); },
                                     {Random({5, 7}, 1), Random({6, 7}, 2)});
}

TEST(SelectRowsTest, TakesRowsAlsoSeveralTimesAndAddsUpTheirGradientsForAnyNumberOfThreads) {
  const at::Tensor x = Random({70, 130}, 1, at::kFloat).set_requires_grad(true);
  const at::Tensor numbers = at::cat({at::arange(60), at::tensor({3, 3, 69, 0}, at::kLong)});
  const at::Tensor factors = Random({64, 130}, 2, at::kFloat);
  const at::Tensor expected =
      torch::autograd::grad({(x.index_select(0, numbers) * factors).sum()}, {x})[0];
  for (const int threads : {1, 3}) {
    ThreadTeam team(threads);
    const TeamScope scope(team);
    const at::Tensor rows = SelectRows(x, numbers);
    EXPECT_TRUE(rows.equal(x.index_select(0, numbers)));
    EXPECT_TRUE(torch::autograd::grad({(rows * factors).sum()}, {x})[0].equal(expected));
  }
}

TEST(BranchTest, AddsUpTheGradientsOfItsReadersThatThereAre) {
  const at::Tensor x = Random({70, 5}, 1).set_requires_grad(true);
  const at::Tensor factors = Random({3, 70, 5}, 2);
  ThreadTeam team(2);
  const TeamScope scope(team);
  const std::vector<at::Tensor> branches = Branch(x, 3);
  for (const at::Tensor& branch : branches) EXPECT_TRUE(branch.equal(x));
  const auto gradient_of = [&](std::vector<int> readers) {
    at::Tensor sum = at::zeros({}, at::kDouble);
    for (const int reader : readers) sum = sum + (branches[reader] * factors[reader]).sum();
    return torch::autograd::grad({sum}, {x}, {}, /*retain_graph=*/true)[0];
  };
  EXPECT_TRUE(gradient_of({0, 1, 2}).equal((factors[2] + factors[1]) + factors[0]));
  EXPECT_TRUE(gradient_of({0, 2}).equal(factors[2] + factors[0]));
  EXPECT_TRUE(gradient_of({1}).equal(factors[1]));
}

TEST(RmsNormTest, HasTheGradientsOfFiniteDifferences) {
  ExpectGradientsOfFiniteDifferences([](const auto& in) { return RmsNorm(in[0], in[1], 1e-5); },
                                     {Random({4, 9}, 1), Random({9}, 2)});
}

TEST(RmsNormTest, ReadsAColumnSliceLikeACopyOfIt) {
  const at::Tensor x = Random({4, 12}, 1), weight = Random({5}, 2);
  EXPECT_TRUE(RmsNorm(x.narrow(1, 3, 5), weight, 1e-6)
                  .equal(RmsNorm(x.narrow(1, 3, 5).contiguous(), weight, 1e-6)));
}

// What the stream and its norm become of it, joined so that both have gradients.
at::Tensor Joined(const NormedStream& result) {
  return at::cat({result.stream * 1.5, result.normed}, 1);
}

TEST(AddAndNormTest, IsTheSumAndItsNormToTheBit) {
  for (const double factor : {1.0, 0.3}) {
    const at::Tensor stream = Random({130, 20}, 1, at::kFloat),
                     block = Random({130, 20}, 2, at::kFloat), weight = Random({20}, 3, at::kFloat);
    const NormedStream result = AddAndNorm(stream, block, factor, weight, 1e-6);
    const at::Tensor sum = stream + block * factor;
    EXPECT_TRUE(result.stream.equal(sum));
    EXPECT_TRUE(result.normed.equal(RmsNorm(sum, weight, 1e-6)));
    EXPECT_TRUE(AddBlock(stream, block, factor).equal(sum));
    const NormedStream alone = AddAndNorm(stream, at::Tensor(), 1, weight, 1e-6);
    EXPECT_TRUE(alone.stream.equal(stream));
    EXPECT_TRUE(alone.normed.equal(RmsNorm(stream, weight, 1e-6)));
  }
}

TEST(AddAndNormTest, HasTheGradientsOfFiniteDifferences) {
  const std::vector<at::Tensor> inputs = {Random({70, 3}, 1), Random({70, 3}, 2), Random({3}, 3)};
  for (const double factor : {1.0, 0.3}) {
    ExpectGradientsOfFiniteDifferences(
        [&](const auto& in) { return Joined(AddAndNorm(in[0], in[1], factor, in[2], 1e-5)); },
        {inputs[0].clone(), inputs[1].clone(), inputs[2].clone()});
    ExpectGradientsOfFiniteDifferences(
        [&](const auto& in) { return AddBlock(in[0], in[1], factor); },
        {inputs[0].clone(), inputs[1].clone()});
  }
  ExpectGradientsOfFiniteDifferences(
      [](const auto& in) { return Joined(AddAndNorm(in[0], at::Tensor(), 1, in[1], 1e-5)); },
      {inputs[0].clone(), inputs[2].clone()});
  ExpectGradientsOfFiniteDifferences(
      [](const auto& in) { return AddAndNorm(in[0], in[1], 1, in[2], 1e-5).normed; },
      {inputs[0].clone(), inputs[1].clone(), inputs[2].clone()});
}

TEST(SwiGluTest, HasTheGradientsOfFiniteDifferences) {
  ExpectGradientsOfFiniteDifferences([](const auto& in) { return SwiGlu(in[0]); },
                                     {Random({3, 10}, 1)});
}

TEST(SwiGluTest, StaysFiniteForLargeArguments) {
  const at::Tensor gate_up = at::tensor({-200.0f, 200.0f, 1.0f, 1.0f}).view({1, 4});
  EXPECT_TRUE(SwiGlu(gate_up).equal(at::tensor({0.0f, 200.0f}).view({1, 2}))) << SwiGlu(gate_up);
}

// The two entries of pair p lie side by side, or half the width apart.
TEST(RopeTest, RotatesItsPairsAndBackAgain) {
  for (const bool halves : {false, true}) {
    const at::Tensor angles = Random({3, 2}, 3);
    const at::Tensor x = Random({3, 2, 4}, 1);
    const at::Tensor y = Rope(x, angles.cos(), angles.sin(), halves);
    EXPECT_TRUE(Rope(y, angles.cos(), -angles.sin(), halves).allclose(x, 1e-12, 1e-12));
    const int first = halves ? 1 : 2, second = 3;
    const at::Tensor expected =
        x[1][0][first] * angles[1][1].cos() - x[1][0][second] * angles[1][1].sin();
    EXPECT_NEAR(y[1][0][first].item<double>(), expected.item<double>(), 1e-12);
    ExpectGradientsOfFiniteDifferences(
        [&](const auto& in) { return Rope(in[0], angles.cos(), angles.sin(), halves); },
        {x.clone()});
  }
}

TEST(LatentRowsTest, NormalisesTheLatentAndRotatesTheKey) {
  const at::Tensor kv = Random({5, 7}, 1), norm = Random({3}, 2), angles = Random({5, 2}, 3);
  for (const bool halves : {false, true}) {
    const at::Tensor rows = LatentRows(kv, norm, 1e-5, angles.cos(), angles.sin(), halves);
    EXPECT_TRUE(rows.narrow(1, 0, 3).equal(RmsNorm(kv.narrow(1, 0, 3), norm, 1e-5)));
    EXPECT_TRUE(rows.narrow(1, 3, 4).equal(
        Rope(kv.narrow(1, 3, 4).unsqueeze(1), angles.cos(), angles.sin(), halves).squeeze(1)));
    ExpectGradientsOfFiniteDifferences(
        [&](const auto& in) {
          return LatentRows(in[0], in[1], 1e-5, angles.cos(), angles.sin(), halves);
        },
        {kv.clone(), norm.clone()});
  }
}

// Latent attention: two heads over one cached row, whose first entries are the value.
constexpr AttentionShape kLatentShape = {.num_heads = 2,
                                         .num_cached_heads = 1,
                                         .row_dim = 6,
                                         .key_dim = 6,
                                         .value_begin = 0,
                                         .value_dim = 4,
                                         .scale = 0.3};
// Grouped queries: four heads over two cached ones, each a key and then a value.
constexpr AttentionShape kGroupedShape = {.num_heads = 4,
                                          .num_cached_heads = 2,
                                          .row_dim = 5,
                                          .key_dim = 3,
                                          .value_begin = 3,
                                          .value_dim = 2,
                                          .scale = 0.4};

TEST(PackedAttentionTest, AttendsWithinEachSequenceOnly) {
  for (const AttentionShape& shape : {kLatentShape, kGroupedShape}) {
    const at::Tensor q = Random({9, shape.num_heads, shape.key_dim}, 1),
                     rows = Random({9, shape.row_width()}, 2);
    const at::Tensor out = PackedAttention(q, rows, shape, {{0, 4, 9}});
    for (const auto& [begin, length] : {std::pair<int, int>{0, 4}, {4, 5}}) {
      const at::Tensor mask = at::ones({length, length}).triu(1).to(at::kBool);
      for (int h = 0; h < shape.num_heads; ++h) {
        const int cached = h / shape.group() * shape.row_dim;
        const at::Tensor queries = q.narrow(0, begin, length).select(1, h),
                         row = rows.narrow(0, begin, length),
                         keys = row.narrow(1, cached, shape.key_dim),
                         values = row.narrow(1, cached + shape.value_begin, shape.value_dim);
        const at::Tensor scores =
            (queries.matmul(keys.t()) * shape.scale).masked_fill(mask, -INFINITY);
        EXPECT_TRUE(out.narrow(0, begin, length)
                        .select(1, h)
                        .allclose(scores.softmax(-1).matmul(values), 1e-12, 1e-12));
      }
    }
  }
}

TEST(PackedAttentionTest, HasTheGradientsOfFiniteDifferences) {
  for (const AttentionShape& shape : {kLatentShape, kGroupedShape}) {
    ExpectGradientsOfFiniteDifferences(
        [&](const auto& in) {
          return PackedAttention(in[0], in[1], shape, {{0, 3, 7}});
        },
        {Random({7, shape.num_heads, shape.key_dim}, 1), Random({7, shape.row_width()}, 2)});
  }
}

// Two sequences after rows 0 to 3, one of them empty, one without a prefix in between.
PackedSequences SharedPrefix() {
  PackedSequences sequences({0, 3, 5, 6, 6, 9});
  sequences.prefixes = {-1, 0, -1, 0, 0};
  return sequences;
}

TEST(PackedAttentionTest, RowsAfterAPrefixSeeItAsIfTheyFollowedIt) {
  for (const AttentionShape& shape : {kLatentShape, kGroupedShape}) {
    const at::Tensor q = Random({9, shape.num_heads, shape.key_dim}, 1).to(at::kFloat),
                     rows = Random({9, shape.row_width()}, 2).to(at::kFloat);
    const at::Tensor out = PackedAttention(q, rows, shape, SharedPrefix());
    const at::Tensor order = at::tensor({0, 1, 2, 3, 4, 5, 0, 1, 2, 6, 7, 8}, at::kLong);
    const at::Tensor expected = PackedAttention(
        q.index_select(0, order), rows.index_select(0, order), shape, {{0, 5, 6, 12}});
    EXPECT_TRUE(out.narrow(0, 0, 6).equal(expected.narrow(0, 0, 6)));  // the same bits
    EXPECT_TRUE(out.narrow(0, 6, 3).equal(expected.narrow(0, 9, 3)));
  }
}

TEST(PackedAttentionTest, HasTheGradientsOfFiniteDifferencesWithAPrefix) {
  for (const AttentionShape& shape : {kLatentShape, kGroupedShape}) {
    ExpectGradientsOfFiniteDifferences(
        [&](const auto& in) { return PackedAttention(in[0], in[1], shape, SharedPrefix()); },
        {Random({9, shape.num_heads, shape.key_dim}, 1), Random({9, shape.row_width()}, 2)});
  }
}

// What LatentAttention takes, of two heads with a key of 3 and 2 and a value of 4 from a latent of
// 5: q, rows, kv_b, and both factors of an adapter of rank 2.
std::vector<at::Tensor> LatentInputs() {
  return {Random({9, 2, 5}, 1), Random({9, 7}, 2), Random({2, 7, 5}, 3), Random({2, 5}, 4),
          Random({14, 2}, 5)};
}

at::Tensor LatentAttentionOf(const std::vector<at::Tensor>& in, bool adapted, bool halves,
                             const PackedSequences& sequences) {
  const at::Tensor angles = Random({9, 1}, 6).to(in[0].scalar_type());
  const LowRank adapter = adapted ? LowRank{.a = in[3], .b = in[4], .scale = 0.7} : LowRank{};
  return LatentAttention(in[0], in[1], in[2], adapter, angles.cos(), angles.sin(), halves, 0.3,
                         sequences);
}

TEST(LatentAttentionTest, IsAttentionOverEachHeadsOwnKeysAndValues) {
  const std::vector<at::Tensor> in = LatentInputs();
  const at::Tensor angles = Random({9, 1}, 6);
  for (const bool halves : {false, true}) {
    for (const bool adapted : {false, true}) {
      const at::Tensor matrix = adapted ? in[2] + 0.7 * in[4].view({2, 7, 2}).matmul(in[3]) : in[2];
      const at::Tensor own = at::einsum("hal,nl->nha", {matrix, in[1].narrow(1, 0, 5)}),
                       rotary = in[1].narrow(1, 5, 2).unsqueeze(1).expand({9, 2, 2});
      const at::Tensor q = at::cat(
          {in[0].narrow(2, 0, 3), Rope(in[0].narrow(2, 3, 2), angles.cos(), angles.sin(), halves)},
          2);
      const AttentionShape shape = {.num_heads = 2,
                                    .num_cached_heads = 2,
                                    .row_dim = 9,
                                    .key_dim = 5,
                                    .value_begin = 5,
                                    .value_dim = 4,
                                    .scale = 0.3};
      const at::Tensor rows =
          at::cat({own.narrow(2, 0, 3), rotary, own.narrow(2, 3, 4)}, 2).view({9, 18});
      EXPECT_TRUE(LatentAttentionOf(in, adapted, halves, SharedPrefix())
                      .allclose(PackedAttention(q, rows, shape, SharedPrefix()), 1e-12, 1e-12));
    }
  }
}

TEST(LatentAttentionTest, HasTheGradientsOfFiniteDifferences) {
  for (const bool halves : {false, true}) {
    for (const bool adapted : {false, true}) {
      std::vector<at::Tensor> inputs = LatentInputs();
      if (!adapted) inputs.resize(3);
      ExpectGradientsOfFiniteDifferences(
          [&](const auto& in) { return LatentAttentionOf(in, adapted, halves, SharedPrefix()); },
          inputs);
    }
  }
}

TEST(LatentAttentionTest, HasTheSameGradientsInAnyOrderOfThreads) {
  std::vector<at::Tensor> in;
  for (const at::Tensor& x : LatentInputs()) in.push_back(x.to(at::kFloat).set_requires_grad(true));
  const auto gradients = [&](int threads) {
    ThreadTeam team(threads);
    const TeamScope scope(team);
    const at::Tensor out = LatentAttentionOf(in, true, false, SharedPrefix());
    return torch::autograd::grad({(out * out).sum()}, in);
  };
  const auto alone = gradients(1), shared = gradients(3);
  for (size_t i = 0; i < in.size(); ++i) EXPECT_TRUE(alone[i].equal(shared[i])) << i;
}

TEST(ExpertMlpsTest, SumsTheWeightedExpertsOfEachToken) {
  const at::Tensor x = Random({6, 4}, 1), gate_up = Random({3, 10, 4}, 2),
                   down = Random({3, 4, 5}, 3);
  const at::Tensor chosen =
      at::tensor({0, 1, 0, 2, 1, 2, 0, 1, 0, 1, 0, 2}, at::kLong).view({6, 2});
  const at::Tensor weights = Random({6, 2}, 4);
  const at::Tensor out = ExpertMlps(x, gate_up, down, chosen, weights);
  for (int64_t n = 0; n < 6; ++n) {
    at::Tensor expected = at::zeros({4}, at::kDouble);
    for (int64_t c = 0; c < 2; ++c) {
      const int64_t e = chosen[n][c].item<int64_t>();
      const at::Tensor inner = gate_up[e].mv(x[n]);
      expected +=
          weights[n][c] * down[e].mv(at::silu(inner.narrow(0, 0, 5)) * inner.narrow(0, 5, 5));
    }
    EXPECT_TRUE(out[n].allclose(expected, 1e-12, 1e-12)) << n;
  }
}

TEST(ExpertMlpsTest, HasTheGradientsOfFiniteDifferencesAlsoWithAnIdleExpert) {
  const at::Tensor chosen = at::tensor({0, 1, 0, 1, 1, 3, 0, 3}, at::kLong).view({4, 2});
  ExpectGradientsOfFiniteDifferences(
      [&](const auto& in) { return ExpertMlps(in[0], in[1], in[2], chosen, in[3]); },
      {Random({4, 3}, 1), Random({4, 6, 3}, 2), Random({4, 3, 3}, 3), Random({4, 2}, 4)});
}

TEST(TokenLogprobsTest, EqualsLogSoftmaxAndItsEntropyOverManyRows) {
  const at::Tensor hidden = Random({600, 8}, 1), head = Random({37, 8}, 2);
  const at::Tensor targets = at::arange(600).remainder(37);
  const auto [logprobs, entropy] = TokenLogprobs(hidden, head, targets, 0.7);
  const at::Tensor expected = (hidden.matmul(head.t()) / 0.7).log_softmax(-1);
  EXPECT_TRUE(logprobs.allclose(expected.gather(1, targets.unsqueeze(1)).squeeze(1), 1e-11, 1e-11));
  EXPECT_TRUE(entropy.allclose(-(expected.exp() * expected).sum(-1), 1e-11, 1e-11));
}

TEST(TokenLogprobsTest, HasTheGradientsOfFiniteDifferencesThroughLogprobsAndEntropy) {
  const at::Tensor targets = at::tensor({1, 0, 6, 6}, at::kLong);
  ExpectGradientsOfFiniteDifferences(
      [&](const auto& in) {
        const auto [logprobs, entropy] = TokenLogprobs(in[0], in[1], targets, 1.3);
        return at::cat({logprobs, entropy});
      },
      {Random({4, 5}, 1), Random({7, 5}, 2)});
}

}  // namespace
}  // namespace grpo
