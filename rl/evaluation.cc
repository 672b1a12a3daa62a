#include "rl/evaluation.h"

#include <algorithm>
#include <set>

#include "data/check.h"
#include "data/random.h"
#include "data/status_macros.h"

namespace grpo {
namespace {

bool Belongs(const ProblemResult& problem, const std::string& family) {
  return family.empty() || problem.family == family;
}

double Rate(const ProblemResult& problem) {
  return static_cast<double>(problem.correct) / problem.samples;
}

ProblemResult ResultOf(const ScoredGroup& scored) {
  ProblemResult result;
  result.family = scored.group.prompt.family;
  for (size_t i = 0; i < scored.scores.size(); ++i) {
    ++result.samples;
    result.correct += scored.scores[i].correct;
    result.unscored += scored.scores[i].state != RewardState::kScored;
    result.truncated += scored.group.rollouts[i].finish == FinishReason::kLength;
    result.tokens += scored.group.rollouts[i].tokens.size();
  }
  return result;
}

}  // namespace

double Evaluation::PassRate(const std::string& family) const {
  double sum = 0;
  int count = 0;
  for (const ProblemResult& problem : problems) {
    if (!Belongs(problem, family)) continue;
    sum += Rate(problem);
    ++count;
  }
  return count == 0 ? 0 : sum / count;
}

std::vector<std::string> Evaluation::Families() const {
  std::vector<std::string> families;
  for (const ProblemResult& problem : problems) {
    if (std::find(families.begin(), families.end(), problem.family) == families.end())
      families.push_back(problem.family);
  }
  return families;
}

double Evaluation::MeanTokens() const {
  double tokens = 0, samples = 0;
  for (const ProblemResult& problem : problems) {
    tokens += problem.tokens;
    samples += problem.samples;
  }
  return samples == 0 ? 0 : tokens / samples;
}

double Evaluation::TruncatedShare() const {
  double truncated = 0, samples = 0;
  for (const ProblemResult& problem : problems) {
    truncated += problem.truncated;
    samples += problem.samples;
  }
  return samples == 0 ? 0 : truncated / samples;
}

Interval ChangeInterval(const Evaluation& before, const Evaluation& after,
                        const std::string& family) {
  GRPO_CHECK(before.problems.size() == after.problems.size());
  std::vector<double> changes;
  for (size_t i = 0; i < after.problems.size(); ++i) {
    if (Belongs(after.problems[i], family))
      changes.push_back(Rate(after.problems[i]) - Rate(before.problems[i]));
  }
  return MeanInterval(changes, {-1, 1});
}

Interval PassRateInterval(const Evaluation& evaluation, const std::string& family) {
  std::vector<double> rates;
  for (const ProblemResult& problem : evaluation.problems) {
    if (Belongs(problem, family)) rates.push_back(Rate(problem));
  }
  return MeanInterval(rates, {0, 1});
}

absl::StatusOr<Evaluation> Evaluate(const Weights& weights, const RolloutEngine& engine,
                                    Scorer& scorer, const std::vector<Prompt>& problems,
                                    const EvalConfig& config, uint64_t seed,
                                    const std::atomic<bool>* cancelled) {
  GenerateRequest request;
  request.prompts = problems;
  request.group_size = config.samples;
  request.sampling = config.sampling;
  request.seed = MixSeed(seed, 0xe7a1);  // apart from the draws of training
  request.cancelled = cancelled;
  ASSIGN_OR_RETURN(std::vector<RolloutGroup> groups, engine.Generate(weights, request));
  Evaluation evaluation;
  std::set<std::string> shown;
  for (ScoredGroup& scored : scorer.Score(std::move(groups), config.sampling.max_new_tokens)) {
    evaluation.problems.push_back(ResultOf(scored));
    if (shown.insert(scored.group.prompt.family).second)
      evaluation.examples.push_back(std::move(scored));
  }
  return evaluation;
}

}  // namespace grpo
