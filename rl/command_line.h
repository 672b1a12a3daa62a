// The program's command line: what was asked for, before anything is read or started.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

#include "data/config_fields.h"
#include "rl/objective/algorithm.h"
#include "rl/objective/objective_config.h"
#include "rl/rollout_config.h"
#include "rollout/sampling.h"

namespace grpo {

enum class Command {
  kTrain,
  kEval,
  kScore,
  kSample,
  kLogprobs,
  kLoss,
  kBenchRollout,
  kBenchLearner,
  kConvert,
  kHelp,
  kVersion
};

// Options of `grpo sample`; each field is an option, `top_k` being --top-k.
struct SampleOptions {
  std::string policy;
  std::string prompts = "-";
  int samples = 1;
  int64_t seed = 1;
  int threads = 2;
  std::string device = "cpu";
  SamplingConfig sampling;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("policy", policy, NotEmpty(), "folder or GGUF file of the policy");
    visit("prompts", prompts, NotEmpty(),
          "file with one prompt in a line; - is standard input, a chat on a terminal");
    visit("samples", samples, Range(1, 65536), "completions of each prompt");
    visit("seed", seed, AtLeast(0), "of the random draws");
    visit("threads", threads, Range(1, 1024), "processor threads; no result depends on it");
    visit("device", device, OneOf{{"cpu", "cuda"}}, "where the policy lives");
    sampling.VisitFields(visit);
  }
};

// Options of `grpo eval` for suites.
struct SuiteOptions {
  std::string data = ".";
  std::string completions;
  std::string out;
  int limit = 0;
  int threads = 2;
  int batch = 256;
  int64_t seed = 1;
  int rank = 0;
  int ranks = 1;
  bool skip_bad = false;
  bool check = false;
  int overlap_words = 10;
  double max_overlap = 1;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("data", data, NotEmpty(), "folder with the suites' files as they are published");
    visit("completions", completions, NoConstraint(),
          "judges a file of JSON lines {\"id\", \"completion\"} in the place of a policy's");
    visit("out", out, NoConstraint(),
          "folder for samples and results, NAME/result.json; one of its own in evals/ when empty; "
          "what is there of the same evaluation is not done again");
    visit("limit", limit, AtLeast(0), "the first problems of each suite alone; 0: all");
    visit("threads", threads, Range(1, 1024), "processor threads; no result depends on it");
    visit("batch", batch, Range(1, 1 << 16),
          "completions sampled at a time; no result depends on it");
    visit("seed", seed, AtLeast(0), "of the random draws");
    visit("rank", rank, AtLeast(0), "this process's number, from 0, of those that share the work");
    visit("ranks", ranks, Range(1, 1 << 16), "processes that share the work, with one --out");
    visit("skip_bad", skip_bad, NoConstraint(),
          "leaves out records that cannot be used, and counts them");
    visit(
        "check", check, NoConstraint(),
        "tries the suites themselves: their own solutions, other problems' and empty completions");
    visit("overlap_words", overlap_words, Range(3, 1000),
          "words of a sequence that --training and a problem must have in common");
    visit("max_overlap", max_overlap, Range(0, 1),
          "fails where --training has more than this share of a suite's problems");
  }
};

// Options of `grpo logprobs`.
struct LogprobsOptions {
  std::string policy;
  std::string dtype = "fp32";
  std::string numerics = "exact";
  bool experts = false;
  int top_logits = 0;
  int threads = 2;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("policy", policy, NotEmpty(), "folder or GGUF file of the policy");
    visit("dtype", dtype, OneOf{{"fp32", "bf16"}},
          "of the weights: bf16 rounds them; sums stay fp32");
    visit(
        "numerics", numerics, OneOf{{"exact", "fast"}},
        "of matrix products: exact gives a token the same bits in any batch and in rollouts; fast "
        "is LibTorch's choice");
    visit("experts", experts, NoConstraint(), "adds the chosen experts");
    visit("top_logits", top_logits, Range(0, 1 << 24), "adds the best logits, this many a token");
    visit("threads", threads, Range(1, 1024), "processor threads; no result depends on it");
  }
};

// Options of `grpo loss`. The algorithm sets what the other options do not.
struct LossOptions {
  std::string policy;
  std::string algorithm = "dapo";
  ObjectiveConfig objective;
  OffPolicyConfig off_policy;
  double temperature = 1;
  int max_new_tokens = 256;
  int micro_batch_tokens = 8192;
  int threads = 2;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("policy", policy, NotEmpty(), "folder or GGUF file of the policy");
    visit("algorithm", algorithm, OneOf{AlgorithmNames()},
          "sets what the options below do not (rl/objective/algorithm.h)");
    objective.VisitFields(visit);
    off_policy.VisitFields(visit);
    visit("temperature", temperature, Range(1e-3, 100), "at which log-probs are taken");
    visit("max_new_tokens", max_new_tokens, Range(1, 1 << 20),
          "that a completion may have: the denominator of the constant aggregation");
    visit("micro_batch_tokens", micro_batch_tokens, Range(1, 1 << 30),
          "token budget of one forward and backward; changes no more than rounding");
    visit("threads", threads, Range(1, 1024), "processor threads; no result depends on it");
  }
};

// What both benchmarks work on.
struct BenchWork {
  std::string policy;
  int prompts = 8;
  int group = 8;
  int prompt_tokens = 64;
  int new_tokens = 256;
  int threads = 2;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("policy", policy, NotEmpty(), "folder or GGUF file of the policy");
    visit("prompts", prompts, Range(1, 1 << 16), "random prompts");
    visit("group", group, Range(1, 65536), "completions of each");
    visit("prompt_tokens", prompt_tokens, Range(1, 1 << 20), "length of a prompt");
    visit("new_tokens", new_tokens, Range(1, 1 << 20), "length of a completion");
    visit("threads", threads, Range(1, 1024), "processor threads");
  }
};

// Options of `grpo bench rollout`.
struct RolloutBenchOptions : BenchWork {
  std::string dtype = "fp32";
  RolloutConfig rollout;
  double temperature = 1;
  int stagger_ms = 0;
  int repeats = 1;
  int64_t seed = 1;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    BenchWork::VisitFields(visit);
    visit("dtype", dtype, OneOf{{"fp32", "bf16"}}, "of the matrices; activations are fp32");
    rollout.VisitFields(visit);
    visit("temperature", temperature, Range(0, 100), "of the draws");
    visit("stagger_ms", stagger_ms, Range(0, 60000),
          "prompts come one by one, with up to so many milliseconds in between; 0: at once");
    visit("repeats", repeats, Range(1, 1000), "lines to print, a run each");
    visit("seed", seed, AtLeast(0), "of prompts and draws");
  }
};

// Options of `grpo bench learner`.
struct LearnerBenchOptions : BenchWork {
  std::string dtype = "fp32";
  int micro_batch_tokens = 2560;
  bool no_sharing = false;
  int recomputed_layers = 0;
  int repeats = 3;
  int64_t seed = 1;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    BenchWork::VisitFields(visit);
    visit("dtype", dtype, OneOf{{"fp32", "bf16"}},
          "of products and attention; weights, gradients and the optimizer are fp32");
    visit("micro_batch_tokens", micro_batch_tokens, Range(1, 1 << 30),
          "token budget of one forward and backward");
    visit("no_sharing", no_sharing, NoConstraint(), "computes a prompt for each completion");
    visit("recomputed_layers", recomputed_layers, AtLeast(0),
          "the first ones: activations computed again instead of kept");
    visit("repeats", repeats, Range(1, 1000), "optimizer steps to measure, a line each");
    visit("seed", seed, AtLeast(0), "of tokens and advantages");
  }
};

// `grpo convert SOURCE DESTINATION`; `to` and the fields behind it are options.
struct ConvertOptions {
  std::string source;
  std::string destination;
  std::string to;
  std::string dtype = "keep";
  std::string pre;
  bool dry_run = false;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("to", to, OneOf{{"", "hf", "gguf"}},
          "hf (a folder) or gguf; by default gguf where DST ends in .gguf");
    visit("dtype", dtype, OneOf{{"keep", "f32", "f16", "bf16", "q8_0"}},
          "type of the weights: keep, f32, f16, bf16 or q8_0 (GGUF alone)");
    visit("pre", pre, NoConstraint(),
          "GGUF: llama.cpp's name of the pre-tokenizer, where it cannot be found");
    visit("dry_run", dry_run, NoConstraint(),
          "lists every tensor and where it comes from, writes nothing");
  }
};

struct CommandLine {
  Command command = Command::kHelp;
  absl::optional<Command> help_about;  // kHelp: the command, none for the program
  std::string recipe;                  // train; eval without --suite, score without --reward
  std::vector<std::string> overrides;  // --set, in their order: train, eval, score
  bool resume = false;                 // train
  bool dry_run = false;                // train
  std::string policy;                  // eval: folder or GGUF file of the policy
  std::vector<std::string> suites;     // eval: --suite; a recipe where empty
  std::vector<std::string> training;   // eval: --training, files in which to look for problems
  SuiteOptions suite;                  // eval
  std::vector<std::string> compared;   // eval --compare: two results
  std::vector<std::string> rewards;    // score: --reward, for ParseScoring
  bool audit = false;                  // score
  bool list = false;                   // score, eval
  SampleOptions sample;                // sample
  LogprobsOptions logprobs;            // logprobs
  LossOptions loss;                    // loss
  RolloutBenchOptions bench_rollout;
  LearnerBenchOptions bench_learner;
  ConvertOptions convert;  // convert
};

// `arguments` are those after the program's name. A usage error (the caller prints it and exits
// with 2) names the nearest known command or option.
absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments);

// The text of --help: of one command, or of the program.
std::string HelpText(const absl::optional<Command>& about);

}  // namespace grpo
