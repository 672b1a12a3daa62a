// vocabulary_memory VOCABULARY TOKENS WIDTH THREADS: log-probs and entropies of so many tokens
// under a head of so many rows, forward and backward, and the memory that this adds at its peak to
// its inputs and their gradients, as a line of JSON.
#include <cstdlib>
#include <iostream>
#include <vector>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>
#include <torch/csrc/autograd/autograd.h>

#include "policy/ops.h"
#include "policy/threads.h"
#include "rl/peak_memory.h"

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: vocabulary_memory VOCABULARY TOKENS WIDTH THREADS\n";
    return 2;
  }
  const int64_t vocabulary = std::atoi(argv[1]), tokens = std::atoi(argv[2]),
                width = std::atoi(argv[3]);
  grpo::ThreadTeam team(std::atoi(argv[4]));
  const grpo::TeamScope scope(team);
  at::Tensor hidden = at::randn({tokens, width}), head = at::randn({vocabulary, width}) * 0.1;
  const at::Tensor targets = at::randint(vocabulary, {tokens}, at::kLong);
  for (at::Tensor* input : {&hidden, &head}) {
    input->set_requires_grad(true);
    input->mutable_grad() = at::zeros(input->sizes()) + 0;  // touched
  }
  grpo::ForgetPeakMemory();
  const int64_t before = grpo::PeakMemoryBytes();
  const auto [logprobs, entropy] = grpo::TokenLogprobs(hidden, head, targets, 1);
  torch::autograd::backward({logprobs.sum() - entropy.sum() * 0.01});
  const int64_t added = grpo::PeakMemoryBytes() - before;
  std::cout << nlohmann::ordered_json{{"vocabulary", vocabulary},
                                      {"tokens", tokens},
                                      {"width", width},
                                      {"inputs_and_gradients_mib",
                                       2 * (hidden.nbytes() + head.nbytes()) / 1048576.0},
                                      {"added_mib", added / 1048576.0},
                                      {"all_logits_mib", tokens * vocabulary * 4 / 1048576.0}}
            << "\n";
}
