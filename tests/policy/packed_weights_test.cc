#include "policy/packed_weights.h"

#include <utility>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "policy/ops.h"
#include "tests/policy/tiny_policy.h"

namespace grpo {
namespace {

at::Tensor Random(at::IntArrayRef sizes, int64_t seed) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::randn(sizes, generator, at::TensorOptions().dtype(at::kFloat));
}

// Every weight rounded as Q4_1 rounds.
at::Tensor AsOfFourBits(const at::Tensor& weight) {
  const at::Tensor blocks = weight.reshape({-1, 32});
  const at::Tensor least = blocks.amin(1, true).to(at::kHalf).to(at::kFloat);
  const at::Tensor scale = ((blocks.amax(1, true) - least) / 15).to(at::kHalf).to(at::kFloat);
  const at::Tensor quants = ((blocks - least) / scale).round().clamp(0, 15);
  return (quants * scale + least).reshape(weight.sizes());
}

// The product by two shares of the columns.
at::Tensor Product(const PackedMatrix& matrix, const at::Tensor& x) {
  at::Tensor y = at::full({x.size(0), matrix.columns()}, 7.0f);
  const int middle = matrix.panels() / 2;
  for (const auto& [begin, end] : {std::pair(0, middle), {middle, matrix.panels()}}) {
    matrix.Multiply(x.size(0), x.const_data_ptr<float>(), x.size(1), begin, end,
                    y.mutable_data_ptr<float>(), matrix.columns());
  }
  return y;
}

// Packs in as many attempts as it takes.
at::Tensor Pack(PackedMatrix& matrix, bool int8, int attempts = 1) {
  matrix.ChooseFormat(int8);
  while (true) {
    at::Tensor memory = at::empty({matrix.packed_bytes() + 64}, at::kByte);
    if (matrix.PackInto(memory.mutable_data_ptr())) break;
    --attempts;
  }
  EXPECT_EQ(attempts, 1);
  // Again, for memory that lasts.
  at::Tensor memory = at::empty({matrix.packed_bytes()}, at::kByte);
  EXPECT_TRUE(matrix.PackInto(memory.mutable_data_ptr()));
  return memory;
}

TEST(PackedMatrixTest, WeightsOfFourBitsArePackedAsSuchAndGiveTheSameBits) {
  const at::Tensor weight = AsOfFourBits(Random({75, 96}, 1));
  PackedMatrix matrix(weight.t());
  const at::Tensor memory = Pack(matrix, false);
  EXPECT_EQ(matrix.format(), QuantizedFormat::kInt4WithMinimum);
  EXPECT_LT(matrix.packed_bytes(), 96 * 96);
  for (const int rows : {1, 2, 8, 9, 50}) {
    const at::Tensor x = Random({rows, 96}, 2);
    EXPECT_TRUE(Product(matrix, x).equal(Linear(x, weight))) << rows;
  }
}

TEST(PackedMatrixTest, OrdinaryWeightsStayFloatsAndGiveTheSameBits) {
  const at::Tensor weight = Random({75, 96}, 3), x = Random({5, 96}, 4);
  PackedMatrix matrix(weight.t());
  const at::Tensor memory = Pack(matrix, false);
  EXPECT_FALSE(matrix.format());
  EXPECT_TRUE(Product(matrix, x).equal(Linear(x, weight)));
}

TEST(PackedMatrixTest, OneWeightThatWasChangedIsFoundWhilePacking) {
  at::Tensor weight = AsOfFourBits(Random({75, 96}, 5));
  weight[60][70] += 1e-3;  // in no block that is looked at beforehand
  const at::Tensor x = Random({5, 96}, 6);
  PackedMatrix matrix(weight.t());
  const at::Tensor memory = Pack(matrix, false, /*attempts=*/2);
  EXPECT_FALSE(matrix.format());
  EXPECT_TRUE(Product(matrix, x).equal(Linear(x, weight)));

  PackedMatrix rounded(weight.t());
  const at::Tensor rounded_memory = Pack(rounded, true, /*attempts=*/2);
  EXPECT_EQ(rounded.format(), QuantizedFormat::kInt8);
}

TEST(PackedMatrixTest, OfADepthThatIsNoMultipleOfABlockNothingIsPackedInBlocks) {
  const at::Tensor weight = at::ones({75, 40}), x = Random({5, 40}, 7);
  for (const bool int8 : {false, true}) {
    PackedMatrix matrix(weight.t());
    const at::Tensor memory = Pack(matrix, int8);
    EXPECT_FALSE(matrix.format());
    EXPECT_TRUE(Product(matrix, x).equal(Linear(x, weight)));
  }
}

TEST(PackedMatrixTest, RoundsToEightBitsWhereAskedTo) {
  const at::Tensor x = Random({5, 96}, 8);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor weight = Random({75, 96}, 9).to(type);
    PackedMatrix matrix(weight.t());
    const at::Tensor memory = Pack(matrix, true);
    EXPECT_EQ(matrix.format(), QuantizedFormat::kInt8);
    const at::Tensor exact = x.matmul(weight.to(at::kFloat).t()), rounded = Product(matrix, x);
    EXPECT_FALSE(rounded.equal(exact));
    EXPECT_LT((rounded - exact).abs().max().item<float>(), 0.5f);
  }
}

TEST(PackedMatrixTest, WhatCannotBeRoundedStaysAsItIs) {
  at::Tensor weight = Random({75, 96}, 10);
  weight[60][70] = 1e9;
  const at::Tensor x = Random({5, 96}, 11);
  PackedMatrix matrix(weight.t());
  const at::Tensor memory = Pack(matrix, true, /*attempts=*/2);
  EXPECT_FALSE(matrix.format());
  EXPECT_TRUE(Product(matrix, x).equal(Linear(x, weight)));
}

TEST(PackedWeightsTest, Int8RoundsEveryMatrixOfWholeBlocksButRouters) {
  PolicyConfig config = TinyConfig();
  config.hidden_size = 64;
  const Weights weights = Weights::Random(config, 0.1, 12);
  for (const Numerics numerics : {Numerics::kExact, Numerics::kFast}) {
    const auto packed =
        PackedWeights::Pack(weights, {.numerics = numerics, .threads = 2, .int8 = true});
    ASSERT_TRUE(packed.ok());
    EXPECT_EQ((*packed)->head.format(), QuantizedFormat::kInt8);
    const PackedLayer& layer = (*packed)->layers.back();
    ASSERT_TRUE(layer.router.defined());
    EXPECT_FALSE(layer.router.format());
    EXPECT_EQ(layer.expert_gate_up[0].format(), QuantizedFormat::kInt8);
    EXPECT_FALSE(layer.expert_down[0].format());  // 8 deep
  }
}

}  // namespace
}  // namespace grpo
