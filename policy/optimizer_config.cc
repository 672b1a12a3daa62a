#include "policy/optimizer_config.h"

#include <algorithm>
#include <cmath>

namespace grpo {

double LearningRate(const OptimizerConfig& config, int64_t step, int64_t total_steps) {
  if (step < config.warmup_steps)
    return config.learning_rate * static_cast<double>(step + 1) / config.warmup_steps;
  if (config.schedule == "constant") return config.learning_rate;
  const double span = std::max<int64_t>(1, total_steps - 1 - config.warmup_steps);
  const double progress = std::min(1.0, static_cast<double>(step - config.warmup_steps) / span);
  const double shape =
      config.schedule == "linear" ? 1 - progress : 0.5 * (1 + std::cos(M_PI * progress));
  return config.learning_rate * (config.final_fraction + (1 - config.final_fraction) * shape);
}

}  // namespace grpo
