#include "rl/objective/aggregation.h"

#include "rl/objective/named_table.h"

namespace grpo {
namespace {

struct StepCounts {
  double tokens = 0;
  double sequences = 0;
  double max_tokens = 0;
};

using Weight = double (*)(const StepCounts& step, double length);

double TokenMean(const StepCounts& step, double) { return 1 / step.tokens; }
double SequenceMean(const StepCounts& step, double length) { return 1 / (step.sequences * length); }
double SequenceSum(const StepCounts& step, double) { return 1 / step.sequences; }
double Constant(const StepCounts& step, double) { return 1 / (step.sequences * step.max_tokens); }

constexpr Named<Weight> kAggregations[] = {
    {"token_mean", TokenMean},
    {"sequence_mean", SequenceMean},
    {"sequence_sum", SequenceSum},
    {"constant", Constant},
};

}  // namespace

std::vector<double> TokenWeights(const std::string& aggregation,
                                 const std::vector<int64_t>& lengths, int max_tokens) {
  StepCounts step;
  step.max_tokens = max_tokens;
  for (const int64_t length : lengths) {
    step.tokens += static_cast<double>(length);
    step.sequences += length > 0;
  }
  const Weight weight = FindNamed(kAggregations, aggregation);
  std::vector<double> weights;
  for (const int64_t length : lengths) {
    weights.push_back(length > 0 ? weight(step, static_cast<double>(length)) : 0);
  }
  return weights;
}

}  // namespace grpo
