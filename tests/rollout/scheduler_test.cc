// Who is fed when: on a cache alone, without a policy's forward.
#include "rollout/scheduler.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

PolicyConfig Config() {
  PolicyConfig config;
  config.model_type = "llama";
  config.num_hidden_layers = 1;
  return config;
}

RolloutGroup Group(int prompt, int completions, int first_token = 0) {
  RolloutGroup group;
  for (int t = 0; t < prompt; ++t) group.prompt_tokens.push_back(first_token + t);
  group.rollouts.resize(completions);
  return group;
}

// Draws token 7 for each completion that wants one, up to `budget` of them.
std::vector<RolloutGroup*> DrawAll(Scheduler& scheduler, size_t budget) {
  for (Scheduler::Draw& draw : scheduler.draws()) {
    draw.rollout->tokens.push_back(7);
    draw.goes_on = draw.rollout->tokens.size() < budget;
  }
  return scheduler.Advance();
}

TEST(SchedulerTest, FeedsAPromptInChunksAndThenATokenOfEachCompletion) {
  PagedCache cache(Config(), {.pages = 40, .page_size = 4, .sequences = 9, .tokens = 40});
  Scheduler scheduler(cache, {.max_sequences = 4, .max_prompt_tokens = 4, .max_new_tokens = 3});
  RolloutGroup group = Group(/*prompt=*/10, /*completions=*/3);
  scheduler.Add(&group);
  std::vector<size_t> rows, draws;
  std::vector<RolloutGroup*> finished;
  while (scheduler.Plan()) {
    rows.push_back(scheduler.rows().size());
    draws.push_back(scheduler.draws().size());
    for (RolloutGroup* done : DrawAll(scheduler, 3)) finished.push_back(done);
  }
  EXPECT_EQ(rows, std::vector<size_t>({4, 4, 2, 3, 3}));
  EXPECT_EQ(draws, std::vector<size_t>({0, 0, 3, 3, 3}));
  EXPECT_EQ(finished, std::vector<RolloutGroup*>({&group}));
  EXPECT_EQ(cache.free_pages(), 40);
}

TEST(SchedulerTest, LetsTheLastComerWaitWhenPagesRunOutAndEndsAllTheSame) {
  // Room for two sequences of 24 tokens.
  PagedCache cache(Config(), {.pages = 12, .page_size = 4, .sequences = 9, .tokens = 24});
  Scheduler scheduler(cache, {.max_sequences = 4, .max_prompt_tokens = 64, .max_new_tokens = 16});
  std::vector<RolloutGroup> groups;
  for (int g = 0; g < 4; ++g) groups.push_back(Group(8, 1, 100 * g));
  for (RolloutGroup& group : groups) scheduler.Add(&group);
  std::vector<RolloutGroup*> finished;
  int forwards = 0;
  while (scheduler.Plan()) {
    ASSERT_LT(++forwards, 200);
    for (RolloutGroup* done : DrawAll(scheduler, 16)) finished.push_back(done);
  }
  ASSERT_EQ(finished.size(), 4u);
  EXPECT_EQ(finished[0], &groups[0]);  // the first comer never waits
  EXPECT_GT(scheduler.counts().preemptions, 0);
  for (const RolloutGroup& group : groups) EXPECT_EQ(group.rollouts[0].tokens.size(), 16u);
  EXPECT_EQ(cache.free_pages(), 12);
}

TEST(SchedulerTest, TakesTokensThatPromptsHaveInCommonFromTheCache) {
  PagedCache cache(Config(), {.pages = 40, .page_size = 4, .sequences = 9, .tokens = 24});
  Scheduler scheduler(cache, {.max_sequences = 4, .max_prompt_tokens = 64, .max_new_tokens = 2});
  std::vector<RolloutGroup> groups = {Group(10, 1), Group(10, 1)};
  for (RolloutGroup& group : groups) scheduler.Add(&group);
  ASSERT_TRUE(scheduler.Plan());
  EXPECT_EQ(scheduler.rows().size(), 10u + 2u);
  EXPECT_EQ(scheduler.counts().shared_tokens, 8);
}

TEST(SchedulerTest, ForgetsAGroupThatIsGivenUp) {
  PagedCache cache(Config(), {.pages = 40, .page_size = 4, .sequences = 9, .tokens = 24});
  Scheduler scheduler(cache, {.max_sequences = 4, .max_prompt_tokens = 64, .max_new_tokens = 9});
  std::vector<RolloutGroup> groups = {Group(5, 2), Group(6, 2, 50), Group(7, 2, 90)};
  for (RolloutGroup& group : groups) scheduler.Add(&group);
  for (int forward = 0; forward < 3; ++forward) {
    ASSERT_TRUE(scheduler.Plan());
    DrawAll(scheduler, 9);
  }
  scheduler.Remove(&groups[0]);  // running
  scheduler.Remove(&groups[2]);  // waiting
  std::vector<RolloutGroup*> finished;
  while (scheduler.Plan()) {
    for (RolloutGroup* done : DrawAll(scheduler, 9)) finished.push_back(done);
  }
  EXPECT_EQ(finished, std::vector<RolloutGroup*>({&groups[1]}));
  EXPECT_EQ(cache.free_pages(), 40);
}

}  // namespace
}  // namespace grpo
