// A whole run, small enough for a test: two families, a policy of a few thousand parameters.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data/file.h"
#include "rl/command_line.h"
#include "rl/train_command.h"

namespace grpo {

inline const char kSmallRecipe[] = R"(
[run]
name = "small"
stages = ["sft", "grpo", "eval"]
[policy]
init_std = 0.1
[policy.config]
hidden_size = 32
intermediate_size = 48
moe_intermediate_size = 16
num_hidden_layers = 2
num_attention_heads = 2
kv_lora_rank = 16
qk_nope_head_dim = 8
qk_rope_head_dim = 8
v_head_dim = 16
n_routed_experts = 4
max_position_embeddings = 256
[tokenizer]
train_vocab_size = 280
[[data.task]]
family = "addition"
[[data.task]]
family = "sorting"
[sft]
steps = 12
batch_size = 16
hasty_share = 0.5
[sft.optimizer]
learning_rate = 1e-2
[grpo]
steps = 6
prompts_per_step = 6
group_size = 4
updates_per_step = 2
micro_batch_tokens = 128
[grpo.sampling]
max_new_tokens = 24
[grpo.objective]
kl_coef = 0.01
reference_refresh_steps = 2
[grpo.optimizer]
learning_rate = 1e-3
[[reward]]
name = "task_answer"
[[reward]]
name = "format"
weight = 0.2
[eval]
problems = 6
samples = 2
every_steps = 3
every_problems = 4
[eval.sampling]
max_new_tokens = 24
[checkpoint]
every_steps = 2
)";

// Runs `grpo train` on the recipe text, saved beside the run folder.
inline absl::Status TrainSmall(const std::string& folder, std::vector<std::string> overrides,
                               bool resume, const std::atomic<bool>& interrupted) {
  const std::string recipe = folder + ".toml";
  EXPECT_TRUE(WriteFileAtomically(recipe, kSmallRecipe).ok());
  CommandLine command;
  command.command = Command::kTrain;
  command.recipe = recipe;
  command.resume = resume;
  overrides.push_back("run.dir=" + folder);
  command.overrides = overrides;
  return RunTrain(command, interrupted);
}

}  // namespace grpo
