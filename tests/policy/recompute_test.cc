#include "policy/recompute.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "policy/ops.h"

namespace grpo {
namespace {

struct Example {
  at::Tensor x = at::arange(12, at::kFloat).view({3, 4}) / 10;
  at::Tensor weight = at::arange(20, at::kFloat).view({5, 4}) / 7;
  int calls = 0;

  Example() {
    x.set_requires_grad(true);
    weight.set_requires_grad(true);
  }
  NetworkPart Part() {
    return [this](const at::Tensor& input) -> std::vector<at::Tensor> {
      ++calls;
      const at::Tensor y = Linear(input, weight).sin();
      return {y, y.argmax(1), y.square()};
    };
  }
};

TEST(RecomputedTest, GivesTheOutputsAndGradientsOfThePartItself) {
  Example one, other;
  const auto kept = one.Part()(one.x), again = Recomputed(other.Part(), other.x);
  for (size_t i = 0; i < kept.size(); ++i) EXPECT_TRUE(again[i].equal(kept[i]));
  EXPECT_FALSE(again[1].requires_grad());
  torch::autograd::backward({(kept[0] * 3).sum() + kept[2].sum()});
  EXPECT_EQ(other.calls, 1);
  torch::autograd::backward({(again[0] * 3).sum() + again[2].sum()});
  EXPECT_EQ(other.calls, 2);
  EXPECT_TRUE(other.x.grad().equal(one.x.grad()));
  EXPECT_TRUE(other.weight.grad().equal(one.weight.grad()));
}

TEST(RecomputedTest, DoesWithoutTheGradientOfAnOutputThatNothingUses) {
  Example one, other;
  torch::autograd::backward({one.Part()(one.x)[2].sum()});
  torch::autograd::backward({Recomputed(other.Part(), other.x)[2].sum()});
  EXPECT_TRUE(other.weight.grad().equal(one.weight.grad()));
}

TEST(RecomputedTest, ComputesThePartOnceWhereNoGradientIsWanted) {
  Example example;
  const c10::NoGradGuard no_grad;
  Recomputed(example.Part(), example.x);
  EXPECT_EQ(example.calls, 1);
}

}  // namespace
}  // namespace grpo
