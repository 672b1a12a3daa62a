#include "reward/scorer.h"

#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <stdexcept>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reward/group_reward.h"
#include "reward/style/length.h"
#include "tests/reward/request.h"

namespace grpo {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FakeReward : public Reward {
 public:
  using Function = std::function<RewardResult(const RewardRequest&)>;
  FakeReward(std::string name, Function function)
      : name_(std::move(name)), function_(std::move(function)) {}
  absl::string_view name() const override { return name_; }
  RewardResult Score(const RewardRequest& request, const Deadline&) const override {
    return function_(request);
  }

 private:
  const std::string name_;
  const Function function_;
};

// Compares the completions of a group: a completion's score is the share of them that are shorter.
class FakeGroupReward : public GroupReward {
 public:
  using Hook = std::function<void(std::vector<RewardResult>&)>;
  explicit FakeGroupReward(Hook hook = [](std::vector<RewardResult>&) {})
      : hook_(std::move(hook)) {}
  absl::string_view name() const override { return "group"; }
  bool NeedsWholeGroup() const override { return true; }
  std::vector<RewardResult> ScoreGroup(const std::vector<RewardRequest>& requests,
                                       const Deadline&) const override {
    std::vector<RewardResult> results;
    for (const RewardRequest& request : requests) {
      if (request.completion == "throw") throw std::runtime_error("no table");
      double shorter = 0;
      for (const RewardRequest& other : requests) {
        shorter += other.completion.size() < request.completion.size();
      }
      results.push_back(RewardResult::Scored(shorter / requests.size(), request.prompt.answer));
    }
    hook_(results);
    return results;
  }

 private:
  const Hook hook_;
};

std::unique_ptr<Scorer> GroupScorer(FakeGroupReward::Hook hook, ScorerConfig config = {}) {
  std::vector<std::unique_ptr<Reward>> rewards;
  rewards.push_back(std::make_unique<FakeGroupReward>(std::move(hook)));
  rewards.push_back(std::make_unique<FakeReward>("size", [](const RewardRequest& request) {
    return RewardResult::Scored(request.completion.size(), "");
  }));
  return Scorer::FromRewards(std::move(rewards), {1, 10}, config);
}

std::unique_ptr<Scorer> FakeScorer(std::vector<FakeReward::Function> functions,
                                   std::vector<double> weights, ScorerConfig config = {}) {
  std::vector<std::unique_ptr<Reward>> rewards;
  for (FakeReward::Function& function : functions) {
    rewards.push_back(
        std::make_unique<FakeReward>(absl::StrCat("fake", rewards.size()), std::move(function)));
  }
  return Scorer::FromRewards(std::move(rewards), std::move(weights), config);
}

RolloutGroup Group(const std::string& answer, const std::vector<std::string>& completions) {
  RolloutGroup group;
  group.prompt = PromptWithAnswer(answer);
  for (const std::string& completion : completions) {
    Rollout rollout;
    rollout.sample_index = static_cast<int>(group.rollouts.size());
    rollout.tokens.resize(completion.size());
    rollout.text = completion;
    group.rollouts.push_back(rollout);
  }
  return group;
}

std::unique_ptr<Scorer> Make(const std::vector<RewardSpec>& specs, int threads) {
  ScorerConfig config;
  config.threads = threads;
  auto scorer = Scorer::Create(specs, config);
  EXPECT_TRUE(scorer.ok()) << scorer.status();
  return *std::move(scorer);
}

TEST(ScorerTest, AddsTheRewardsByWeight) {
  RewardSpec format = Spec("format");
  format.weight = 0.25;
  const auto scorer = Make({Spec("final_answer"), format}, 2);
  EXPECT_THAT(scorer->reward_names(), ElementsAre("final_answer", "format"));
  const auto scored = scorer->Score(
      {Group("5", {"<think>a</think><answer>5</answer>", "<answer>5</answer>", "5"})}, 100);
  ASSERT_EQ(scored.size(), 1u);
  const std::vector<Score>& scores = scored[0].scores;
  EXPECT_DOUBLE_EQ(scores[0].reward, 1.25);
  EXPECT_DOUBLE_EQ(scores[1].reward, 1);
  EXPECT_DOUBLE_EQ(scores[2].reward, 0);
  EXPECT_TRUE(scores[1].correct);
  EXPECT_FALSE(scores[2].correct);
  EXPECT_EQ(scores[0].results.size(), 2u);
  EXPECT_EQ(scored[0].group.rollouts[2].text, "5");
}

TEST(ScorerTest, TellsTheCheckersLengthAndBudget) {
  LengthOptions options;
  options.free_tokens = 10;
  const RewardSpec length = RewardSpecOf("length", options);
  const auto scored = Make({length}, 1)->Score({Group("", {std::string(15, 'a')})}, 20);
  EXPECT_DOUBLE_EQ(scored[0].scores[0].reward, -0.5);
}

TEST(ScorerTest, KeepsErrorsApartFromZeros) {
  const auto scorer =
      FakeScorer({[](const RewardRequest&) { return RewardResult::Scored(1, ""); },
                  [](const RewardRequest& request) -> RewardResult {
                    if (request.completion == "throw") throw std::runtime_error("no table");
                    if (request.completion == "invalid") return RewardResult::Invalid("no truth");
                    if (request.completion == "nan") {
                      return RewardResult::Scored(std::numeric_limits<double>::quiet_NaN(), "");
                    }
                    if (request.completion == "inf") {
                      return RewardResult::Scored(-std::numeric_limits<double>::infinity(), "");
                    }
                    return RewardResult::Scored(0, "");
                  }},
                 {1, 2});
  const auto scored = scorer->Score({Group("", {"throw", "invalid", "nan", "inf", "fine"})}, 0);
  const std::vector<Score>& scores = scored[0].scores;
  EXPECT_EQ(scores[0].state, RewardState::kError);
  EXPECT_EQ(scores[0].results[1].reason, "fake1: exception: no table");
  EXPECT_EQ(scores[1].state, RewardState::kInvalid);
  EXPECT_EQ(scores[2].state, RewardState::kError);
  EXPECT_THAT(scores[2].results[1].reason, HasSubstr("fake1: gave the score"));
  EXPECT_EQ(scores[3].state, RewardState::kError);
  EXPECT_EQ(scores[4].state, RewardState::kScored);
  EXPECT_EQ(scores[4].reward, 1);
  for (const Score& score : scores) EXPECT_TRUE(score.correct);
}

TEST(ScorerTest, IsAnErrorWhereTheSumIsNoNumber) {
  const auto scorer =
      FakeScorer({[](const RewardRequest&) { return RewardResult::Scored(1e308, ""); }}, {1000});
  EXPECT_EQ(scorer->Score({Group("", {"a"})}, 0)[0].scores[0].state, RewardState::kError);
}

TEST(ScorerTest, PutsErrorBeforeInvalid) {
  const auto scorer =
      FakeScorer({[](const RewardRequest&) { return RewardResult::Error("broken"); },
                  [](const RewardRequest&) { return RewardResult::Invalid("no truth"); }},
                 {1, 1});
  EXPECT_EQ(scorer->Score({Group("", {"a"})}, 0)[0].scores[0].state, RewardState::kError);
}

TEST(ScorerTest, GivesUpOnASlowCheckerForThatSampleAlone) {
  const auto release = std::make_shared<absl::Notification>();
  const auto ended = std::make_shared<absl::Notification>();
  ScorerConfig config;
  config.deadline_seconds = 0.05;
  {
    const auto scorer = FakeScorer({[release, ended](const RewardRequest& request) {
                                     if (request.completion == "slow") {
                                       release->WaitForNotification();
                                       // Still there, though the scorer and its groups are gone.
                                       const bool kept = request.prompt.answer == "truth" &&
                                                         request.completion == "slow";
                                       ended->Notify();
                                       return RewardResult::Scored(kept ? 1 : 0, "");
                                     }
                                     return RewardResult::Scored(1, "");
                                   }},
                                   {1}, config);
    const auto scored = scorer->Score({Group("truth", {"a", "slow", "b"})}, 0);
    EXPECT_EQ(scored[0].scores[0].reward, 1);
    EXPECT_EQ(scored[0].scores[1].state, RewardState::kError);
    EXPECT_EQ(scored[0].scores[1].results[0].reason, "fake0: not done within 50ms");
    EXPECT_EQ(scored[0].scores[2].reward, 1);
  }
  release->Notify();
  ended->WaitForNotification();
}

TEST(ScorerTest, GivesTheSameForAnyNumberOfThreads) {
  std::vector<RolloutGroup> groups;
  for (int g = 0; g < 250; ++g) {
    std::vector<std::string> completions;
    for (int i = 0; i < 8; ++i) {
      completions.push_back(absl::StrCat("<think>", g, "</think><answer>", g + i % 3, "</answer>"));
    }
    groups.push_back(Group(absl::StrCat(g), completions));
  }
  const auto one = Make({Spec("task_answer"), Spec("format"), Spec("repetition")}, 1);
  const auto eight = Make({Spec("task_answer"), Spec("format"), Spec("repetition")}, 8);
  const auto a = one->Score(groups, 100), b = eight->Score(groups, 100);
  ASSERT_EQ(a.size(), b.size());
  for (size_t g = 0; g < a.size(); ++g) {
    ASSERT_EQ(a[g].scores.size(), 8u);
    for (size_t i = 0; i < 8; ++i) {
      EXPECT_EQ(a[g].scores[i].reward, b[g].scores[i].reward);
      EXPECT_EQ(a[g].scores[i].correct, i % 3 == 0);
      EXPECT_EQ(a[g].scores[i].results[0].reason, b[g].scores[i].results[0].reason);
    }
    EXPECT_EQ(b[g].group.prompt.answer, absl::StrCat(g));
  }
}

TEST(ScorerTest, HandsWholeGroupsToARewardThatComparesCompletions) {
  for (int threads : {1, 3}) {
    ScorerConfig config;
    config.threads = threads;
    const auto scorer = GroupScorer([](std::vector<RewardResult>&) {}, config);
    EXPECT_TRUE(scorer->needs_whole_groups());
    const auto scored = scorer->Score(
        {Group("x", {"a", "aaa", "aa", "aaaa"}), Group("none", {}), Group("y", {"bb", "b"})}, 0);
    EXPECT_EQ(scored[0].scores[0].reward, 0 + 10);
    EXPECT_EQ(scored[0].scores[1].reward, 0.5 + 30);
    EXPECT_EQ(scored[0].scores[3].reward, 0.75 + 40);
    EXPECT_TRUE(scored[1].scores.empty());
    EXPECT_EQ(scored[2].scores[0].reward, 0.5 + 20);
    EXPECT_EQ(scored[2].scores[1].reward, 0 + 10);
    EXPECT_EQ(scored[2].scores[1].results[0].reason, "y");
  }
  EXPECT_FALSE(Make({Spec("format")}, 1)->needs_whole_groups());
}

TEST(ScorerTest, AFailedCallForAGroupIsAnErrorForThatGroupAlone) {
  const auto scorer = GroupScorer([](std::vector<RewardResult>& results) {
    if (results.size() == 3) results.pop_back();
  });
  const auto scored = scorer->Score(
      {Group("", {"a", "throw"}), Group("", {"a", "bb"}), Group("", {"a", "b", "c"})}, 0);
  for (const Score& score : scored[0].scores) {
    EXPECT_EQ(score.state, RewardState::kError);
    EXPECT_EQ(score.results[0].reason, "group: exception: no table");
  }
  EXPECT_EQ(scored[1].scores[1].reward, 0.5 + 20);
  for (const Score& score : scored[2].scores) {
    EXPECT_EQ(score.state, RewardState::kError);
    EXPECT_EQ(score.results[0].reason, "group: gave 2 verdicts on 3 completions");
  }
}

TEST(ScorerTest, ScoresAGroupWithAnErrorWhollyAgain) {
  std::atomic<int> calls{0};
  ScorerConfig config;
  config.retries = 1;
  const auto scorer = GroupScorer(
      [&calls](std::vector<RewardResult>& results) {
        if (results.size() == 2 && calls++ == 0) results[1] = RewardResult::Error("busy");
        results[0].score = calls.load();
      },
      config);
  const auto scored = scorer->Score({Group("", {"a", "b"})}, 0);
  EXPECT_EQ(calls.load(), 2);
  EXPECT_EQ(scored[0].scores[0].results[0].score, 2);
  EXPECT_EQ(scored[0].scores[1].state, RewardState::kScored);
}

TEST(ScorerTest, CallsACheckerOnlyForTheFamiliesItIsFor) {
  RewardSpec letters = Spec("final_answer");
  letters.label = "letters";
  letters.families = {"letters", "words"};
  RewardSpec numbers = Spec("task_answer");
  numbers.label = "numbers";
  numbers.families = {"numbers"};
  const auto scorer = Make({letters, numbers, Spec("format")}, 2);
  EXPECT_THAT(scorer->reward_names(), ElementsAre("letters", "numbers", "format"));
  std::vector<RolloutGroup> groups = {Group("a", {"<answer>a</answer>"}),
                                      Group("7", {"<answer>7</answer>", "x"}), Group("", {"y"})};
  groups[0].prompt.family = "words";
  groups[1].prompt.family = "numbers";
  groups[2].prompt.family = "elsewhere";
  const auto scored = scorer->Score(groups, 0);
  EXPECT_EQ(scored[0].scores[0].reward, 1);
  EXPECT_EQ(scored[0].scores[0].results[1].state, RewardState::kNotApplicable);
  EXPECT_EQ(scored[0].scores[0].results[1].reason, "not for family \"words\"");
  EXPECT_EQ(scored[1].scores[0].reward, 1);
  EXPECT_EQ(scored[1].scores[0].results[0].state, RewardState::kNotApplicable);
  EXPECT_TRUE(scored[1].scores[0].correct);
  EXPECT_FALSE(scored[1].scores[1].correct);
  // Without its truth final_answer would have been invalid: it was not asked.
  EXPECT_EQ(scored[2].scores[0].state, RewardState::kScored);
  EXPECT_EQ(scored[2].scores[0].reward, 0);
}

TEST(ScorerTest, MakesACallThatFailedAgainAsOftenAsTheRecipeSays) {
  for (int retries : {0, 1, 2}) {
    std::atomic<int> calls{0};
    ScorerConfig config;
    config.retries = retries;
    const auto scorer = FakeScorer({[&calls](const RewardRequest& request) {
                                     if (request.completion == "fine")
                                       return RewardResult::Scored(1, "");
                                     return ++calls < 3 ? RewardResult::Error("busy")
                                                        : RewardResult::Scored(0.5, "");
                                   }},
                                   {1}, config);
    const auto scored = scorer->Score({Group("", {"fine", "flaky"})}, 0);
    EXPECT_EQ(scored[0].scores[0].reward, 1);
    EXPECT_EQ(calls.load(), retries + 1);
    EXPECT_EQ(scored[0].scores[1].state, retries == 2 ? RewardState::kScored : RewardState::kError);
  }
}

TEST(ScorerTest, DropsPartsThatAreNoNumbersAndTimesTheCalls) {
  const auto scorer =
      FakeScorer({[](const RewardRequest&) {
                   absl::SleepFor(absl::Milliseconds(2));
                   RewardResult result = RewardResult::Scored(1, "");
                   result.parts = {{"a", 1}, {"b", std::numeric_limits<double>::quiet_NaN()}};
                   return result;
                 }},
                 {1});
  const auto scored = scorer->Score({Group("", {"x"})}, 0);
  const RewardResult& result = scored[0].scores[0].results[0];
  EXPECT_THAT(result.parts, ElementsAre(testing::Pair("a", 1)));
  EXPECT_GE(result.microseconds, 2000);
  EXPECT_LT(result.microseconds, 10000000);
}

TEST(ScorerTest, NormalisesOverTheGroupOnlyWhereTheRecipeSaysSo) {
  const std::vector<RolloutGroup> groups = {Group("5", {"<answer>5</answer>", "x"})};
  EXPECT_FALSE(Make({Spec("final_answer")}, 1)->Score(groups, 0)[0].scores[0].normalized);
  ScorerConfig config;
  config.normalize = true;
  const auto scored = (*Scorer::Create({Spec("final_answer")}, config))->Score(groups, 0);
  EXPECT_NEAR(*scored[0].scores[0].normalized, 0.5 / (std::sqrt(0.5) + 1e-4), 1e-12);
  EXPECT_EQ(scored[0].scores[0].reward, 1);
}

TEST(ScorerTest, ScoresNoGroupsAndEmptyGroups) {
  const auto scorer = Make({Spec("format")}, 2);
  EXPECT_TRUE(scorer->Score({}, 10).empty());
  const auto scored = scorer->Score({Group("1", {}), Group("1", {"a"})}, 10);
  EXPECT_TRUE(scored[0].scores.empty());
  EXPECT_EQ(scored[1].scores.size(), 1u);
}

TEST(ScorerTest, RefusesWhatCannotScore) {
  EXPECT_THAT(std::string(Scorer::Create({}, {}).status().message()), HasSubstr("no [[reward]]"));
  EXPECT_THAT(std::string(Scorer::Create({Spec("format"), Spec("nothing")}, {}).status().message()),
              HasSubstr("reward 1: unknown reward \"nothing\""));
  ScorerConfig config;
  config.threads = 0;
  EXPECT_FALSE(Scorer::Create({Spec("format")}, config).ok());
  config = {};
  config.deadline_seconds = 0;
  EXPECT_FALSE(Scorer::Create({Spec("format")}, config).ok());
  config = {};
  config.combine = "product";
  EXPECT_FALSE(Scorer::Create({Spec("format")}, config).ok());
  config = {};
  config.combine = "minimum";
  config.normalize = true;
  EXPECT_THAT(std::string(Scorer::Create({Spec("format")}, config).status().message()),
              HasSubstr("normalize is of a sum"));
  RewardSpec gate = Spec("format");
  gate.gate = true;
  EXPECT_THAT(std::string(Scorer::Create({gate}, {}).status().message()),
              HasSubstr("every [[reward]] of the recipe is a gate"));
  EXPECT_THAT(std::string(Scorer::Create({Spec("format"), Spec("format")}, {}).status().message()),
              HasSubstr("reward 1: another reward is called \"format\" in metrics too"));
}

}  // namespace
}  // namespace grpo
