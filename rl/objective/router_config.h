// How the routers of a Mixture of Experts are kept balanced while the rest learns: the keys of
// grpo.router.
#pragma once

#include <string>

#include "data/config_fields.h"

namespace grpo {

struct RouterConfig {
  std::string bias = "freeze";
  double bias_rate = 0.001;
  double sequence_balance_coef = 0;
  double global_balance_coef = 0;
  double z_coef = 0;

  bool has_loss() const {
    return sequence_balance_coef > 0 || global_balance_coef > 0 || z_coef > 0;
  }

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("bias", bias, OneOf{{"freeze", "trained_tokens", "rollouts"}},
          "of DeepSeek-V3's selection: stays, or follows the load of the tokens that are learned "
          "from, or of all that were sampled");
    visit("bias_rate", bias_rate, Range(0, 1), "how far a step moves each expert's bias");
    visit("sequence_balance_coef", sequence_balance_coef, Range(0, 100),
          "weight of the balance loss within each completion");
    visit("global_balance_coef", global_balance_coef, Range(0, 100),
          "weight of the balance loss over the whole step");
    visit("z_coef", z_coef, Range(0, 100), "weight of the loss on large router logits");
  }
};

}  // namespace grpo
