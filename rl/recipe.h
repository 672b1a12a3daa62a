// A run, described: the typed form of a recipe file. Only recipe_toml.cc knows TOML.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "data/config_fields.h"
#include "policy/lora_config.h"
#include "policy/optimizer_config.h"
#include "policy/policy_config.h"
#include "reward/scorer.h"
#include "rl/objective/algorithm.h"
#include "rl/objective/objective_config.h"
#include "rl/objective/router_config.h"
#include "rl/prompt_pools.h"
#include "rl/rollout_config.h"
#include "rollout/sampling.h"

namespace grpo {

struct RunConfig {
  std::string name = "run";
  std::string dir;  // default runs/<name>
  int64_t seed = 1;
  int threads = 2;
  std::string device = "cpu";
  std::vector<std::string> stages = {"sft", "grpo", "eval"};

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("name", name, NotEmpty(), "names the run in reports");
    visit("dir", dir, NoConstraint(), "run folder; runs/<name> when empty");
    visit("seed", seed, AtLeast(0), "of everything random in the run");
    visit("threads", threads, Range(1, 1024),
          "for rollouts, rewards and learning; no result depends on it");
    visit("device", device, OneOf{{"cpu", "cuda"}}, "where the policy lives");
    visit("stages", stages, OneOf{{"sft", "grpo", "eval"}}, "run in this order");
  }
};

struct PolicySource {
  std::string path;  // folder with config.json, weights and tokenizer.json; empty: random weights
  double init_std = 0.02;
  std::string compute = "fp32";
  bool freeze_routers = false;
  LoraConfig lora;
  PolicyConfig config;  // of random weights

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("path", path, NoConstraint(),
          "Hugging Face folder to start from; random weights when empty");
    visit("init_std", init_std, Range(0, 10), "standard deviation of random weights");
    visit("compute", compute, OneOf{{"fp32", "bf16"}},
          "type of products and attention, in rollouts and learning; weights are fp32");
    visit("freeze_routers", freeze_routers, NoConstraint(),
          "the matrices that choose experts are not trained");
    visit("lora", lora, NoConstraint(), "low-rank adapters that are trained in the weights' place");
    visit("config", config, NoConstraint(), "shape of a random policy");
  }
};

struct TokenizerConfig {
  std::string path;  // a tokenizer.json; empty: the policy folder's, or trained
  int train_vocab_size = 512;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("path", path, NoConstraint(),
          "tokenizer.json; the policy folder's or a trained one when empty");
    visit("train_vocab_size", train_vocab_size, Range(265, 1 << 20),
          "tokens of a trained tokenizer");
  }
};

// One entry of [[data.task]]: a generated family in the mixture.
struct TaskConfig {
  std::string family;
  int level = 1;
  double weight = 1;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("family", family, NotEmpty(), "a family of data/tasks");
    visit("level", level, Range(1, 100), "difficulty");
    visit("weight", weight, Range(0, 1e6), "share in the mixture");
  }
};

struct DataConfig {
  std::string train_file;  // JSON lines; empty: the tasks
  std::string eval_file;   // JSON lines; empty: held-out problems of the tasks
  std::string prompt_field = "prompt";
  std::string answer_field = "answer";
  std::string family_field = "family";
  std::string demonstration_field = "demonstration";
  std::vector<TaskConfig> task;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("train_file", train_file, NoConstraint(), "JSON lines to train on; the tasks when empty");
    visit("eval_file", eval_file, NoConstraint(),
          "JSON lines to evaluate on; held-out tasks when empty");
    visit("prompt_field", prompt_field, NotEmpty(), "field of the user's message");
    visit("answer_field", answer_field, NotEmpty(), "field of the ground truth");
    visit("family_field", family_field, NotEmpty(), "field of the family (optional in a record)");
    visit("demonstration_field", demonstration_field, NotEmpty(),
          "field of the completion to imitate (sft)");
    visit("task", task, NoConstraint(), "generated families");
  }
};

// Cold start: imitation of demonstrations.
struct SftConfig {
  int steps = 0;
  int batch_size = 64;     // demonstrations a step
  double hasty_share = 0;  // of generated demonstrations: a guess instead of working
  OptimizerConfig optimizer;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("steps", steps, AtLeast(0), "optimizer steps");
    visit("batch_size", batch_size, Range(1, 1 << 20), "demonstrations in a step");
    visit("hasty_share", hasty_share, Range(0, 1),
          "share of generated demonstrations that guess instead of working");
    visit("optimizer", optimizer, NoConstraint(), "how weights follow their gradients");
  }
};

struct GrpoConfig {
  std::string algorithm = "dapo";
  int steps = 0;
  int prompts_per_step = 64;
  int group_size = 8;
  int updates_per_step = 1;  // optimizer steps on one batch of rollouts
  int micro_batch_tokens = 8192;
  bool share_prompts = true;
  int recomputed_layers = 0;
  int max_refills = 2;  // times a step asks for more prompts in the place of groups without signal
  bool replay_routing = false;      // learner uses the experts that the rollouts recorded
  std::string on_invalid = "drop";  // a sample whose task is unusable: drop it, or fail the run
  std::string on_error = "drop";    // a sample whose checker failed: drop it, or fail the run
  double max_error_share = 1;       // of a step's samples; with more errors the run fails
  bool mask_truncated = false;      // completions cut off at the token limit are not learned from
  bool permute_rewards = false;     // control experiment: shuffles rewards within each group
  int rollout_lag = 0;              // steps that the sampling policy is behind the learning one
  bool ignore_ends = false;         // for benchmarks: completions take their whole budget
  PoolsConfig pools;
  SamplingConfig sampling;
  ObjectiveConfig objective;
  OffPolicyConfig off_policy;
  RouterConfig router;
  OptimizerConfig optimizer;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("algorithm", algorithm, OneOf{AlgorithmNames()},
          "sets what grpo.objective does not (rl/objective/algorithm.h)");
    visit("steps", steps, AtLeast(0), "iterations");
    visit("prompts_per_step", prompts_per_step, Range(1, 1 << 20), "prompts P in a step");
    visit("group_size", group_size, Range(2, 65536), "completions G of a prompt");
    visit("updates_per_step", updates_per_step, Range(1, 1024),
          "optimizer steps on one batch of rollouts");
    visit(
        "micro_batch_tokens", micro_batch_tokens, Range(1, 1 << 30),
        "token budget of one forward and backward; each thread has one where the policy is small");
    visit("share_prompts", share_prompts, NoConstraint(),
          "a group's prompt is computed once in a forward and backward");
    visit("recomputed_layers", recomputed_layers, AtLeast(0),
          "the first layers whose activations are computed again for the backward pass, to save "
          "memory");
    visit("max_refills", max_refills, Range(0, 1000),
          "times a step samples more prompts in the place of groups without signal");
    visit("replay_routing", replay_routing, NoConstraint(),
          "learner uses the experts recorded while sampling");
    visit("on_invalid", on_invalid, OneOf{{"drop", "fail"}},
          "samples whose task or ground truth is unusable");
    visit("on_error", on_error, OneOf{{"drop", "fail"}}, "samples whose checker failed");
    visit("max_error_share", max_error_share, Range(0, 1),
          "the run fails where checkers failed for more than this share of a step's samples");
    visit("mask_truncated", mask_truncated, NoConstraint(),
          "completions cut off at the token limit count in their group, but are not learned from");
    visit("permute_rewards", permute_rewards, NoConstraint(),
          "control experiment: shuffles rewards within each group");
    visit("rollout_lag", rollout_lag, Range(0, 64),
          "steps that the policy which samples is behind the one that learns: what rollouts that "
          "run ahead do to learning");
    visit("ignore_ends", ignore_ends, NoConstraint(),
          "to measure speed: completions run to max_new_tokens whatever they say");
    visit("pools", pools, NoConstraint(), "which of the drawn prompts are sampled");
    visit("sampling", sampling, NoConstraint(), "how completions are drawn");
    visit("objective", objective, NoConstraint(), "what is maximised");
    visit("off_policy", off_policy, NoConstraint(), "corrections for samples of another policy");
    visit("router", router, NoConstraint(), "how experts are kept balanced");
    visit("optimizer", optimizer, NoConstraint(), "how weights follow their gradients");
  }
};

// One entry of [[eval.suite]]: a published suite (rl/eval/suite.h) that a run is evaluated on.
struct EvalSuiteConfig {
  std::string name;
  std::string data = ".";
  int problems = 0;
  std::vector<std::string> set;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("name", name, NotEmpty(), "one that `grpo eval --list` has, or a TOML file");
    visit("data", data, NotEmpty(), "folder with its files as they are published");
    visit("problems", problems, AtLeast(0), "the first so many alone; 0: all");
    visit("set", set, NotEmpty(), "what it has otherwise: \"samples=4\", as --set takes it");
  }
};

struct EvalConfig {
  int problems = 600;
  int samples = 8;
  int every_steps = 0;       // also during grpo; 0: before and after only
  int every_problems = 120;  // problems of the evaluations in between
  SamplingConfig sampling;
  std::vector<EvalSuiteConfig> suite;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("problems", problems, AtLeast(0), "held-out problems before and after");
    visit("samples", samples, Range(1, 65536), "completions of each problem");
    visit("every_steps", every_steps, AtLeast(0), "also every so many GRPO steps; 0 is off");
    visit("every_problems", every_problems, AtLeast(1),
          "problems of the evaluations in between, of each suite too");
    visit("sampling", sampling, NoConstraint(), "how completions are drawn");
    visit("suite", suite, NoConstraint(), "published suites beside the held-out problems");
  }
};

struct CheckpointConfig {
  int every_steps = 25;
  double every_minutes = 0;
  int keep = 2;
  bool keep_best = false;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("every_steps", every_steps, AtLeast(0), "steps between checkpoints; 0: at the end only");
    visit("every_minutes", every_minutes, Range(0, 1e6),
          "after the first step that ends so long after the last checkpoint, too; 0: never");
    visit("keep", keep, AtLeast(1), "checkpoints that stay on disk: the newest");
    visit("keep_best", keep_best, NoConstraint(),
          "and the best one of those that eval.every_steps evaluates");
  }
};

struct Recipe {
  RunConfig run;
  PolicySource policy;
  TokenizerConfig tokenizer;
  DataConfig data;
  SftConfig sft;
  GrpoConfig grpo;
  RolloutConfig rollout;
  std::vector<RewardSpec> reward;
  ScorerConfig scorer;
  EvalConfig eval;
  CheckpointConfig checkpoint;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("run", run, NoConstraint(), "the run as a whole");
    visit("policy", policy, NoConstraint(), "the network to train");
    visit("tokenizer", tokenizer, NoConstraint(), "text to tokens");
    visit("data", data, NoConstraint(), "prompts");
    visit("sft", sft, NoConstraint(), "cold start");
    visit("grpo", grpo, NoConstraint(), "reinforcement");
    visit("rollout", rollout, NoConstraint(), "how the engine samples");
    visit("reward", reward, NoConstraint(), "checkers, weighted; the first decides what passes");
    visit("scorer", scorer, NoConstraint(), "how checkers run and become one reward");
    visit("eval", eval, NoConstraint(), "held-out evaluation");
    visit("checkpoint", checkpoint, NoConstraint(), "what is kept to resume");
  }
};

// Reads, overrides and checks a recipe. `overrides` are key=value texts of --set ("grpo.steps=3",
// "run.dir=/tmp/x", "data.task.0.level=2"; value in TOML syntax, or a bare string). An error names
// file, line, key, what was expected and found, and the nearest known key; all errors of a recipe
// are reported together.
absl::StatusOr<Recipe> LoadRecipe(const std::string& path,
                                  const std::vector<std::string>& overrides);
absl::StatusOr<Recipe> ParseRecipe(const std::string& toml, const std::string& origin,
                                   const std::vector<std::string>& overrides);

// What `grpo score` runs: a recipe's rewards, or those of the command line.
struct ScoringConfig {
  std::vector<RewardSpec> reward;
  ScorerConfig scorer;
};

// Rewards as `grpo score --reward` takes them: "final_answer" or "final_answer,tolerance=0.01",
// with the keys of [[reward]]; where the name takes an argument ("process:COMMAND") the whole text
// is the name. `overrides` are key=value texts of --set: "scorer.threads=4", or, where there is one
// reward alone, a key of [[reward]].
absl::StatusOr<ScoringConfig> ParseScoring(const std::vector<std::string>& rewards,
                                           const std::vector<std::string>& overrides);

// The whole recipe, defaults included, as TOML that LoadRecipe reads back to the same recipe; every
// key with its documentation as a comment.
std::string ResolvedRecipe(const Recipe& recipe);

// Every reward with its keys, their defaults and their meanings, as entries of a recipe.
std::string RewardListing();

}  // namespace grpo
