#include "rl/eval/suite_check.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

#include "data/rollout.h"
#include "data/status_macros.h"
#include "reward/scorer.h"

namespace grpo {
namespace {

constexpr size_t kGroupsAtATime = 64;

enum Kind { kSolution, kWrong, kEmpty };

constexpr const char* kExpectations[] = {"its own solution is not right",
                                         "another problem's solution is right",
                                         "an empty completion is right"};

// The next solution of another answer; empty where there is none.
std::string WrongFor(const std::vector<Prompt>& problems, size_t place) {
  const Prompt& problem = problems[place];
  for (size_t step = 1; step < problems.size(); ++step) {
    const Prompt& other = problems[(place + step) % problems.size()];
    const bool differs = other.answer != problem.answer || problem.answer.empty();
    if (differs && !other.demonstration.empty() && other.demonstration != problem.demonstration) {
      return other.demonstration;
    }
  }
  return "";
}

Rollout RolloutOf(const Prompt& problem, Kind kind, std::string text) {
  Rollout rollout;
  rollout.prompt_id = problem.id;
  rollout.sample_index = kind;
  rollout.text = std::move(text);
  return rollout;
}

RolloutGroup GroupOf(const std::vector<Prompt>& problems, size_t place) {
  RolloutGroup group;
  group.prompt = problems[place];
  if (!group.prompt.demonstration.empty()) {
    group.rollouts.push_back(RolloutOf(group.prompt, kSolution, group.prompt.demonstration));
  }
  const std::string wrong = WrongFor(problems, place);
  if (!wrong.empty()) group.rollouts.push_back(RolloutOf(group.prompt, kWrong, wrong));
  group.rollouts.push_back(RolloutOf(group.prompt, kEmpty, ""));
  return group;
}

std::string ReasonOf(const Score& score) {
  return score.results.empty() ? "no reward applies" : score.results[0].reason;
}

}  // namespace

absl::StatusOr<SuiteCheck> CheckSuite(const SuiteConfig& suite,
                                      const std::vector<Prompt>& problems) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Scorer> scorer,
                   Scorer::Create(suite.reward, suite.scorer));
  SuiteCheck check;
  for (size_t begin = 0; begin < problems.size(); begin += kGroupsAtATime) {
    std::vector<RolloutGroup> groups;
    const size_t end = std::min(problems.size(), begin + kGroupsAtATime);
    for (size_t place = begin; place < end; ++place) groups.push_back(GroupOf(problems, place));
    for (const ScoredGroup& scored :
         scorer->Score(std::move(groups), suite.sampling.max_new_tokens)) {
      for (size_t i = 0; i < scored.scores.size(); ++i) {
        const int kind = scored.group.rollouts[i].sample_index;
        SuiteCheck::Count& count = kind == kSolution ? check.solutions
                                   : kind == kWrong  ? check.wrong
                                                     : check.empty;
        const Score& score = scored.scores[i];
        ++count.completions;
        count.right += score.correct;
        const bool usable = score.state == RewardState::kScored;
        if (usable && score.correct == (kind == kSolution)) continue;
        check.exceptions.push_back(absl::StrCat(suite.name, " ", scored.group.prompt.name, ": ",
                                                usable ? kExpectations[kind] : "no verdict", ": ",
                                                ReasonOf(score)));
      }
    }
  }
  return check;
}

}  // namespace grpo
