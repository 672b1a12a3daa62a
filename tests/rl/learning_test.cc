// That the reward teaches: a small policy, half of whose cold start guesses, learns to work from
// rewards alone, and does not when the rewards are shuffled within each group.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/data/scratch_folder.h"
#include "tests/rl/small_run.h"

namespace grpo {
namespace {

const std::atomic<bool> kNeverInterrupted{false};

struct PassRates {
  double before;
  double after;
};

PassRates Learn(const std::string& folder, const std::string& permuted) {
  const std::vector<std::string> overrides = {"policy.config.hidden_size=64",
                                              "policy.config.intermediate_size=128",
                                              "policy.config.num_attention_heads=4",
                                              "policy.config.moe_intermediate_size=32",
                                              "policy.config.num_hidden_layers=3",
                                              "data.task.0.weight=0",
                                              "sft.steps=250",
                                              "sft.batch_size=64",
                                              "sft.optimizer.learning_rate=3e-3",
                                              "grpo.steps=25",
                                              "grpo.prompts_per_step=24",
                                              "grpo.group_size=8",
                                              "grpo.updates_per_step=1",
                                              "grpo.micro_batch_tokens=1024",
                                              "grpo.sampling.max_new_tokens=48",
                                              "grpo.objective.kl_coef=0",
                                              "grpo.objective.reference_refresh_steps=0",
                                              "eval.every_steps=0",
                                              "eval.problems=100",
                                              "eval.samples=4",
                                              "eval.sampling.max_new_tokens=48",
                                              "checkpoint.every_steps=0",
                                              "grpo.permute_rewards=" + permuted};
  EXPECT_EQ(TrainSmall(folder, overrides, false, kNeverInterrupted), absl::OkStatus());
  const auto summary = nlohmann::json::parse(*ReadFile(folder + "/summary.json"));
  return {summary["before"]["overall"], summary["after"]["overall"]};
}

TEST(LearningTest, PassRateRisesWithTheRewardsAndNotWithShuffledOnes) {
  const ScratchFolder folder;
  const PassRates taught = Learn(folder.Path("taught"), "false");
  EXPECT_LE(taught.before, 0.55);
  EXPECT_GE(taught.after, taught.before + 0.25);
  const PassRates shuffled = Learn(folder.Path("shuffled"), "true");
  EXPECT_EQ(shuffled.before, taught.before);
  EXPECT_LE(shuffled.after, shuffled.before + 0.05);
}

}  // namespace
}  // namespace grpo
