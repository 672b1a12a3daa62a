#include "rl/advantage.h"

#include <algorithm>
#include <cmath>

#include "data/check.h"
#include "rl/objective/named_table.h"

namespace grpo {
namespace {

constexpr double kEpsilon = 1e-4;

// Mean and variance (n - 1) of values that count `weight` times each.
class Moments {
 public:
  void Add(double value, double weight = 1) {
    count_ += weight;
    const double step = value - mean_;
    mean_ += step * weight / count_;
    squares_ += weight * step * (value - mean_);
  }
  double count() const { return count_; }
  double mean() const { return mean_; }
  double variance() const { return count_ > 1 ? squares_ / (count_ - 1) : 0; }

 private:
  double count_ = 0, mean_ = 0, squares_ = 0;
};

using Groups = std::vector<std::vector<Outcome>>;
using Values = std::vector<std::vector<Advantage>>;

double NetReward(const Outcome& outcome) {
  double reward = outcome.reward;
  for (const double cost : outcome.token_costs) reward -= cost;
  return reward;
}

Moments MomentsOf(const std::vector<Outcome>& group) {
  Moments moments;
  for (const Outcome& outcome : group) {
    if (outcome.valid) moments.Add(NetReward(outcome));
  }
  return moments;
}

// Rewards that are all equal leave no rounding behind: such a group teaches nothing.
bool AllEqual(const std::vector<Outcome>& group) {
  const Outcome* first = nullptr;
  for (const Outcome& outcome : group) {
    if (!outcome.valid) continue;
    if (first == nullptr) first = &outcome;
    if (NetReward(outcome) != NetReward(*first)) return false;
  }
  return true;
}

// value(net reward, moments of its group) for each valid completion of a group with signal.
template <typename Value>
Values WithinGroups(const Groups& groups, const Value& value) {
  Values values;
  for (const std::vector<Outcome>& group : groups) {
    const Moments moments = MomentsOf(group);
    const bool silent = moments.count() < 2 || AllEqual(group);
    values.emplace_back();
    for (const Outcome& outcome : group) {
      values.back().push_back(
          {outcome.valid && !silent ? value(NetReward(outcome), moments) : 0.0});
    }
  }
  return values;
}

Values GroupKind(const Groups& groups) {
  return WithinGroups(groups, [](double reward, const Moments& group) {
    return (reward - group.mean()) / (std::sqrt(group.variance()) + kEpsilon);
  });
}

Values GroupWithoutStd(const Groups& groups) {
  return WithinGroups(groups,
                      [](double reward, const Moments& group) { return reward - group.mean(); });
}

Values Batch(const Groups& groups) {
  Moments all;
  for (const std::vector<Outcome>& group : groups) {
    for (const Outcome& outcome : group) {
      if (outcome.valid) all.Add(NetReward(outcome));
    }
  }
  const double deviation = std::sqrt(all.variance()) + kEpsilon;
  return WithinGroups(groups, [&](double reward, const Moments& group) {
    return (reward - group.mean()) / deviation;
  });
}

// r_i - (n mean - r_i) / (n - 1) = n / (n - 1) (r_i - mean)
Values LeaveOneOut(const Groups& groups) {
  return WithinGroups(groups, [](double reward, const Moments& group) {
    return (reward - group.mean()) * group.count() / (group.count() - 1);
  });
}

Values MaxRl(const Groups& groups) {
  return WithinGroups(groups, [](double reward, const Moments& group) {
    return group.mean() > 0 ? (reward - group.mean()) / group.mean() : 0;
  });
}

// Less the mean and over the deviation of all tokens of the step.
void Whiten(const Groups& groups, Values* values) {
  Moments all;
  const auto for_each = [&](const auto& visit) {
    for (size_t g = 0; g < groups.size(); ++g) {
      for (size_t i = 0; i < groups[g].size(); ++i) {
        if (groups[g][i].valid) visit(groups[g][i], (*values)[g][i]);
      }
    }
  };
  for_each([&](const Outcome& outcome, const Advantage& advantage) {
    const double weight = advantage.size() == 1 ? static_cast<double>(outcome.num_tokens) : 1;
    if (weight == 0) return;
    for (const double value : advantage) all.Add(value, weight);
  });
  const double scale = 1 / std::sqrt(all.variance() + 1e-8);
  for_each([&](const Outcome&, Advantage& advantage) {
    for (double& value : advantage) value = (value - all.mean()) * scale;
  });
}

Values ReinforcePlusPlus(const Groups& groups) {
  Values values;
  for (const std::vector<Outcome>& group : groups) {
    values.emplace_back();
    for (const Outcome& outcome : group) {
      Advantage returns = {outcome.valid ? outcome.reward : 0};
      if (outcome.valid && !outcome.token_costs.empty()) {
        returns.resize(outcome.token_costs.size());
        double rest = outcome.reward;
        for (size_t t = returns.size(); t-- > 0;) returns[t] = rest -= outcome.token_costs[t];
      }
      values.back().push_back(std::move(returns));
    }
  }
  Whiten(groups, &values);
  return values;
}

Values ReinforcePlusPlusBaseline(const Groups& groups) {
  Values values = GroupWithoutStd(groups);
  Whiten(groups, &values);
  return values;
}

using Kind = Values (*)(const Groups& groups);

constexpr Named<Kind> kKinds[] = {
    {"group", GroupKind},
    {"group_no_std", GroupWithoutStd},
    {"batch", Batch},
    {"leave_one_out", LeaveOneOut},
    {"max_rl", MaxRl},
    {"reinforce_pp", ReinforcePlusPlus},
    {"reinforce_pp_baseline", ReinforcePlusPlusBaseline},
};

}  // namespace

std::vector<std::vector<Advantage>> Advantages(const std::string& kind,
                                               const std::vector<std::vector<Outcome>>& groups) {
  for (const std::vector<Outcome>& group : groups) {
    for (const Outcome& outcome : group) {
      GRPO_CHECK(outcome.token_costs.empty() ||
                 static_cast<int64_t>(outcome.token_costs.size()) == outcome.num_tokens);
    }
  }
  return FindNamed(kKinds, kind)(groups);
}

bool HasSignal(const std::string& kind, const std::vector<double>& rewards,
               const std::vector<bool>& valid) {
  GRPO_CHECK(rewards.size() == valid.size());
  const double* first = nullptr;
  for (size_t i = 0; i < rewards.size(); ++i) {
    if (!valid[i]) continue;
    if (kind == "reinforce_pp") return true;
    if (first == nullptr) first = &rewards[i];
    if (rewards[i] != *first) return true;
  }
  return false;
}

}  // namespace grpo
