// Auxiliary-loss-free balancing of experts (arXiv 2408.15664, algorithm 1; DeepSeek-V3, arXiv
// 2412.19437, section 2.1.2): a bias that only selection sees.
#pragma once

#include <vector>

#include "policy/weights.h"
#include "reward/scored_group.h"
#include "rl/objective/router_loss.h"

namespace grpo {

// Moves every selection bias by `rate`: up where the expert's load was below its layer's mean, down
// where it was above.
void MoveRouterBiases(const ExpertLoad& load, double rate, Weights& weights);

// Of all tokens that were fed while completions were sampled.
ExpertLoad LoadOfRollouts(const std::vector<ScoredGroup>& groups, const PolicyConfig& policy);

// How far the most used expert is above the mean of its layer, as a share of it; mean over the
// layers (MaxVio of arXiv 2408.15664). 0 without load.
double MaxViolation(const ExpertLoad& load);

// Experts that no token used, over all layers.
int64_t UnusedExperts(const ExpertLoad& load);

}  // namespace grpo
