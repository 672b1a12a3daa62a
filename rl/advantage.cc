#include "rl/advantage.h"

#include <cmath>

#include "data/check.h"

namespace grpo {

bool HasSignal(const std::vector<double>& rewards, const std::vector<bool>& valid) {
  const double* first = nullptr;
  for (size_t i = 0; i < rewards.size(); ++i) {
    if (!valid[i]) continue;
    if (first == nullptr) first = &rewards[i];
    if (rewards[i] != *first) return true;
  }
  return false;
}

std::vector<double> GroupAdvantages(const std::string& kind, const std::vector<double>& rewards,
                                    const std::vector<bool>& valid) {
  GRPO_CHECK(rewards.size() == valid.size());
  std::vector<double> advantages(rewards.size(), 0);
  if (!HasSignal(rewards, valid)) return advantages;
  double sum = 0;
  int count = 0;
  for (size_t i = 0; i < rewards.size(); ++i) {
    if (!valid[i]) continue;
    sum += rewards[i];
    ++count;
  }
  const double mean = sum / count;
  double squares = 0;
  for (size_t i = 0; i < rewards.size(); ++i) {
    if (valid[i]) squares += (rewards[i] - mean) * (rewards[i] - mean);
  }
  const double scale = kind == "group" ? 1 / (std::sqrt(squares / (count - 1)) + 1e-4) : 1;
  for (size_t i = 0; i < rewards.size(); ++i) {
    if (valid[i]) advantages[i] = (rewards[i] - mean) * scale;
  }
  return advantages;
}

}  // namespace grpo
