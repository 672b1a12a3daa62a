// How an optimizer is set up: the keys of grpo.optimizer and sft.optimizer, and the learning-rate
// schedules.
#pragma once

#include <cstdint>
#include <string>

#include "data/config_fields.h"

namespace grpo {

struct OptimizerConfig {
  std::string kind = "adamw";
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double momentum = 0.95;
  double weight_decay = 0;
  double max_grad_norm = 1;
  std::string schedule = "constant";
  int warmup_steps = 0;
  double final_fraction = 0.1;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("kind", kind, OneOf{{"adamw", "muon"}},
          "muon: for the layers' matrices, and adamw for the rest");
    visit("learning_rate", learning_rate, Range(0, 10), "peak");
    visit("beta1", beta1, Range(0, 0.999999), "adamw: decay of the first moment");
    visit("beta2", beta2, Range(0, 0.9999999), "adamw: decay of the second moment");
    visit("epsilon", epsilon, Range(0, 1), "adamw: added to the root of the second moment");
    visit("momentum", momentum, Range(0, 0.999999), "muon: decay of the sum of gradients");
    visit("weight_decay", weight_decay, Range(0, 10), "decoupled; matrices only");
    visit("max_grad_norm", max_grad_norm, Range(0, 1e9), "clip to this global norm; 0 is off");
    visit("schedule", schedule, OneOf{{"constant", "linear", "cosine"}}, "shape after the warm-up");
    visit("warmup_steps", warmup_steps, AtLeast(0), "linear warm-up");
    visit("final_fraction", final_fraction, Range(0, 1),
          "of the peak, at the last step of linear and cosine");
  }
};

// The learning rate of step `step` (from 0) out of `total_steps`.
double LearningRate(const OptimizerConfig& config, int64_t step, int64_t total_steps);

}  // namespace grpo
