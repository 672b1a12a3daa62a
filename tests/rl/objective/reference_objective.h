// The objectives once more, token by token and written from the papers, for numbers of any kind
// (double, or Dual for derivatives). What a paper holds constant is computed from `fixed`, the
// log-probs at the point where derivatives are taken.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "rl/objective.h"
#include "tests/rl/objective/dual.h"

namespace grpo {

struct ReferenceSequence {
  std::vector<double> old, behavior, reference, advantages;
  size_t first = 0;  // place of its first token among all tokens of the batch
  size_t size() const { return old.size(); }
};

template <typename Number>
class ReferenceObjective {
 public:
  ReferenceObjective(const PolicyObjectiveConfig& config,
                     const std::vector<ReferenceSequence>& sequences, int max_tokens)
      : config_(config), sequences_(sequences), max_tokens_(max_tokens) {}

  Number Loss(const std::vector<Number>& logprobs, const std::vector<double>& fixed) const {
    double tokens = 0;
    for (const ReferenceSequence& sequence : sequences_) tokens += sequence.size();
    const double count = sequences_.size();
    Number loss = 0;
    for (const ReferenceSequence& sequence : sequences_) {
      const double length = sequence.size();
      Number sum = 0;
      for (size_t t = 0; t < sequence.size(); ++t) {
        sum = sum + TokenLoss(sequence, t, logprobs, fixed);
      }
      const std::string& how = config_.objective.aggregation;
      if (how == "token_mean") loss = loss + sum / tokens;
      if (how == "sequence_mean") loss = loss + sum / length / count;
      if (how == "sequence_sum") loss = loss + sum / count;
      if (how == "constant") loss = loss + sum / (count * max_tokens_);
    }
    return loss;
  }

 private:
  Number TokenLoss(const ReferenceSequence& s, size_t t, const std::vector<Number>& logprobs,
                   const std::vector<double>& fixed) const {
    const size_t at = s.first + t;
    Number loss = Weight(s, t, fixed) * PolicyLoss(s, t, logprobs, fixed);
    if (config_.objective.kl_coef > 0 && config_.objective.kl_in == "loss") {
      loss = loss + config_.objective.kl_coef *
                        Kl(logprobs[at], Old(s, t, fixed), s.reference[t], fixed[at]);
    }
    return loss;
  }

  double Old(const ReferenceSequence& s, size_t t, const std::vector<double>&) const {
    return config_.off_policy.recompute_old ? s.old[t] : s.behavior[t];
  }

  Number PolicyLoss(const ReferenceSequence& s, size_t t, const std::vector<Number>& logprobs,
                    const std::vector<double>& fixed) const {
    const ObjectiveConfig& c = config_.objective;
    const size_t at = s.first + t;
    const double a = s.advantages[t], now = fixed[at];
    const double fixed_ratio = std::exp(now - Old(s, t, fixed));
    const Number ratio = exp(logprobs[at] - Old(s, t, fixed));
    if (c.policy_loss == "clip") return Clipped(ratio, a);
    if (c.policy_loss == "gspo") {
      Number mean = 0;
      for (size_t u = 0; u < s.size(); ++u) {
        mean = mean + (logprobs[s.first + u] - Old(s, u, fixed)) / double(s.size());
      }
      return Clipped(exp(mean), a);
    }
    if (c.policy_loss == "cispo") {
      return -(std::min(fixed_ratio, 1 + c.clip_high) * a) * logprobs[at];
    }
    if (c.policy_loss == "sapo") {
      const double tau = a > 0 ? c.sapo_temperature_positive : c.sapo_temperature_negative;
      const Number sigmoid = Number(1) / (Number(1) + exp(-(tau * (ratio - Number(1)))));
      return -(Number(4 / tau * a) * sigmoid);
    }
    if (c.policy_loss == "dppo_tv") {
      const double moved = std::exp(now) - std::exp(s.behavior[t]);
      if ((a > 0 && moved > c.clip_high) || (a < 0 && moved < -c.clip_low)) return 0;
      return -(std::min(fixed_ratio, 20.0) * a) * logprobs[at];
    }
    return -a * logprobs[at];
  }

  Number Clipped(const Number& ratio, double a) const {
    const ObjectiveConfig& c = config_.objective;
    const double low = 1 - c.clip_low, high = 1 + c.clip_high, r = ValueOf(ratio);
    const Number inside = r < low ? Number(low) : r > high ? Number(high) : ratio;
    const Number gain = r * a < ValueOf(inside) * a ? ratio * a : inside * a;
    if (c.dual_clip > 0 && a < 0 && ValueOf(gain) < c.dual_clip * a) return -(c.dual_clip * a);
    return -gain;
  }

  Number Kl(const Number& logprob, double old, double reference, double now) const {
    const std::string& estimator = config_.objective.kl_estimator;
    const Number d = logprob - reference;
    const Number k2 = d * d / 2.0, k3 = exp(-d) + d - 1.0;
    if (estimator == "k1") return d;
    if (estimator == "k2") return k2;
    if (estimator == "k3") return k3;
    const double fixed_d = now - reference;
    if (estimator == "k3_k2_gradient") {
      return k2 + (std::exp(-fixed_d) + fixed_d - 1 - fixed_d * fixed_d / 2);
    }
    return exp(logprob - old) * k3;
  }

  double Weight(const ReferenceSequence& s, size_t t, const std::vector<double>& fixed) const {
    const OffPolicyConfig& c = config_.off_policy;
    const auto log_rho = [&](size_t u) {
      return (c.recompute_old ? s.old[u] : fixed[s.first + u]) - s.behavior[u];
    };
    double sum = 0, left = 0;
    for (size_t u = 0; u < s.size(); ++u) {
      sum += log_rho(u);
      left += (s.behavior[u] - fixed[s.first + u]) / s.size();
    }
    const double rho = std::exp(c.level == "sequence" ? sum : log_rho(t));
    const double geometric = std::exp(sum / s.size());
    if (c.geometric_low > 0 && geometric < c.geometric_low) return 0;
    if (c.geometric_high > 0 && geometric > c.geometric_high) return 0;
    if (c.sequence_mask_delta > 0 && s.advantages[t] < 0 && left > c.sequence_mask_delta) return 0;
    if (c.correction == "full") return rho;
    if (c.correction == "tis") return std::min(rho, c.high);
    if (c.correction == "mis") return rho <= c.high ? rho : 0;
    if (c.correction == "icepop") return c.low <= rho && rho <= c.high ? rho : 0;
    return 1;
  }

  const PolicyObjectiveConfig& config_;
  const std::vector<ReferenceSequence>& sequences_;
  const int max_tokens_;
};

}  // namespace grpo
