#include "rl/command_line.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

CommandLine Parsed(const std::vector<std::string>& arguments) {
  const absl::StatusOr<CommandLine> line = ParseCommandLine(arguments);
  EXPECT_TRUE(line.ok()) << line.status();
  return line.ok() ? *line : CommandLine();
}

std::string ErrorOf(const std::vector<std::string>& arguments) {
  const absl::StatusOr<CommandLine> line = ParseCommandLine(arguments);
  return line.ok() ? "no error" : std::string(line.status().message());
}

TEST(CommandLineTest, ReadsTrain) {
  const CommandLine line = Parsed(
      {"train", "--set", "grpo.steps=3", "r.toml", "--set=run.dir=a=b", "--resume", "--dry-run"});
  EXPECT_EQ(line.command, Command::kTrain);
  EXPECT_EQ(line.recipe, "r.toml");
  EXPECT_THAT(line.overrides, ElementsAre("grpo.steps=3", "run.dir=a=b"));
  EXPECT_TRUE(line.resume);
  EXPECT_TRUE(line.dry_run);
  EXPECT_FALSE(Parsed({"train", "r.toml"}).resume);
}

TEST(CommandLineTest, ReadsEval) {
  const CommandLine line = Parsed({"eval", "r.toml", "--policy", "runs/a/policy"});
  EXPECT_EQ(line.command, Command::kEval);
  EXPECT_EQ(line.policy, "runs/a/policy");
  const CommandLine suites =
      Parsed({"eval", "--suite", "gsm8k", "--suite=mine.toml", "--policy", "p", "--data", "d",
              "--limit=20", "--set", "samples=4", "--skip-bad"});
  EXPECT_THAT(suites.suites, ElementsAre("gsm8k", "mine.toml"));
  EXPECT_THAT(suites.overrides, ElementsAre("samples=4"));
  EXPECT_EQ(suites.suite.data, "d");
  EXPECT_EQ(suites.suite.limit, 20);
  EXPECT_TRUE(suites.suite.skip_bad);
  EXPECT_TRUE(Parsed({"eval", "--suite", "gsm8k", "--check"}).suite.check);
  EXPECT_TRUE(Parsed({"eval", "--list"}).list);
  const CommandLine overlap = Parsed({"eval", "--suite", "gsm8k", "--training", "a.jsonl",
                                      "--training=b.csv", "--max-overlap", "0"});
  EXPECT_THAT(overlap.training, ElementsAre("a.jsonl", "b.csv"));
  EXPECT_EQ(overlap.suite.max_overlap, 0);
  EXPECT_THAT(Parsed({"eval", "--compare", "a.json", "b.json"}).compared,
              ElementsAre("a.json", "b.json"));
}

TEST(CommandLineTest, ReadsScoreWithARecipeOrWithRewards) {
  EXPECT_EQ(Parsed({"score", "r.toml", "--set", "reward.0.weight=2"}).recipe, "r.toml");
  EXPECT_THAT(
      Parsed({"score", "--reward", "format", "--reward=final_answer,tolerance=0.1"}).rewards,
      ElementsAre("format", "final_answer,tolerance=0.1"));
  const CommandLine line = Parsed({"score", "--reward", "length", "--set", "penalty=2", "--audit"});
  EXPECT_THAT(line.overrides, ElementsAre("penalty=2"));
  EXPECT_TRUE(line.audit);
  EXPECT_TRUE(Parsed({"score", "--list"}).list);
}

TEST(CommandLineTest, ReadsSampleByTheFieldsOfItsOptions) {
  const CommandLine line =
      Parsed({"sample", "--policy", "dir", "--temperature=0.7", "--top-k", "5", "--max-new-tokens",
              "32", "--samples", "4", "--prompts", "in.txt", "--stop-strings", "[\"x\"]"});
  EXPECT_EQ(line.command, Command::kSample);
  EXPECT_EQ(line.sample.policy, "dir");
  EXPECT_EQ(line.sample.sampling.temperature, 0.7);
  EXPECT_EQ(line.sample.sampling.top_k, 5);
  EXPECT_EQ(line.sample.sampling.max_new_tokens, 32);
  EXPECT_THAT(line.sample.sampling.stop_strings, ElementsAre("x"));
  EXPECT_EQ(line.sample.samples, 4);
  EXPECT_EQ(line.sample.prompts, "in.txt");
  EXPECT_EQ(Parsed({"sample", "--policy", "2026"}).sample.policy, "2026");
}

TEST(CommandLineTest, ReadsBench) {
  const CommandLine line =
      Parsed({"bench", "rollout", "--policy", "p", "--group=4", "--dtype", "bf16", "--numerics",
              "fast", "--weights", "int8", "--prompt-tokens", "100"});
  EXPECT_EQ(line.command, Command::kBenchRollout);
  EXPECT_EQ(line.bench_rollout.policy, "p");
  EXPECT_EQ(line.bench_rollout.group, 4);
  EXPECT_EQ(line.bench_rollout.dtype, "bf16");
  EXPECT_EQ(line.bench_rollout.rollout.numerics, "fast");
  EXPECT_EQ(line.bench_rollout.rollout.weights, "int8");
  EXPECT_EQ(line.bench_rollout.prompt_tokens, 100);
  EXPECT_EQ(line.recipe, "");
  const CommandLine learner = Parsed({"bench", "learner", "--policy", "q", "--repeats", "7"});
  EXPECT_EQ(learner.command, Command::kBenchLearner);
  EXPECT_EQ(learner.bench_learner.policy, "q");
  EXPECT_EQ(learner.bench_learner.repeats, 7);
  EXPECT_THAT(ErrorOf({"bench"}), HasSubstr("rollout or learner"));
  EXPECT_THAT(ErrorOf({"bench", "--policy", "p"}), HasSubstr("rollout or learner"));
  EXPECT_THAT(ErrorOf({"bench", "learner", "x", "--policy", "p"}), HasSubstr("unexpected 'x'"));
  EXPECT_THAT(ErrorOf({"bench", "rollout"}), HasSubstr("--policy"));
}

TEST(CommandLineTest, ReadsConvert) {
  const CommandLine line =
      Parsed({"convert", "a", "--dtype", "f16", "b.gguf", "--dry-run", "--pre=smollm"});
  EXPECT_EQ(line.command, Command::kConvert);
  EXPECT_EQ(line.convert.source, "a");
  EXPECT_EQ(line.convert.destination, "b.gguf");
  EXPECT_EQ(line.convert.dtype, "f16");
  EXPECT_EQ(line.convert.to, "");
  EXPECT_EQ(line.convert.pre, "smollm");
  EXPECT_TRUE(line.convert.dry_run);
  EXPECT_EQ(line.recipe, "");
}

TEST(CommandLineTest, ReadsHelpAndVersion) {
  EXPECT_EQ(Parsed({"--help"}).command, Command::kHelp);
  EXPECT_FALSE(Parsed({"-h"}).help_about);
  EXPECT_EQ(Parsed({"train", "--set", "--help"}).help_about, Command::kTrain);
  EXPECT_EQ(Parsed({"--version"}).command, Command::kVersion);
}

TEST(CommandLineTest, HelpNamesEveryCommandAndOption) {
  for (const char* word :
       {"train", "eval", "score", "sample", "convert", "--dry-run", "--version"}) {
    EXPECT_THAT(HelpText(absl::nullopt), HasSubstr(word));
  }
  EXPECT_THAT(HelpText(Command::kTrain), HasSubstr("--resume"));
  EXPECT_THAT(HelpText(Command::kEval), HasSubstr("--policy PATH"));
  EXPECT_THAT(HelpText(Command::kScore), HasSubstr("--reward NAME"));
  EXPECT_THAT(HelpText(Command::kSample), HasSubstr("--max-new-tokens NUMBER"));
}

TEST(CommandLineTest, RefusesWithTheNearestKnownWord) {
  EXPECT_THAT(ErrorOf({}), HasSubstr("needs a command"));
  EXPECT_EQ(ErrorOf({"trian"}),
            "grpo: unknown command 'trian'; did you mean train? See grpo --help.");
  EXPECT_THAT(ErrorOf({"frobnicate"}), HasSubstr("unknown command 'frobnicate' See"));
  EXPECT_THAT(ErrorOf({"train", "r.toml", "--resum"}),
              HasSubstr("grpo train: unknown option --resum; did you mean --resume?"));
  EXPECT_THAT(ErrorOf({"train", "r.toml", "--policy", "x"}), HasSubstr("unknown option --policy"));
  EXPECT_THAT(ErrorOf({"sample", "--policy", "x", "--topk", "3"}),
              HasSubstr("did you mean --top-k?"));
}

TEST(CommandLineTest, RefusesWhatIsMissingOrTooMuch) {
  EXPECT_THAT(ErrorOf({"train"}),
              HasSubstr("grpo train: needs a recipe; usage: grpo train RECIPE"));
  EXPECT_THAT(ErrorOf({"train", "a", "b"}), HasSubstr("unexpected 'b'"));
  EXPECT_THAT(ErrorOf({"train", "a", "--set"}), HasSubstr("--set needs a value: --set KEY=VALUE"));
  EXPECT_THAT(ErrorOf({"train", "a", "--resume=1"}), HasSubstr("--resume takes no value"));
  EXPECT_THAT(ErrorOf({"train", "a", "--resume", "--resume"}), HasSubstr("--resume stands twice"));
  EXPECT_THAT(ErrorOf({"eval", "a"}), HasSubstr("needs --policy PATH"));
  EXPECT_THAT(ErrorOf({"eval", "--policy", "d"}), HasSubstr("needs a recipe"));
  EXPECT_THAT(ErrorOf({"eval", "a", "--suite", "b", "--policy", "d"}), HasSubstr("not both"));
  EXPECT_THAT(ErrorOf({"eval", "a", "b", "--policy", "d"}), HasSubstr("unexpected 'b'"));
  EXPECT_THAT(ErrorOf({"eval", "--compare", "a.json"}), HasSubstr("needs two results"));
  EXPECT_THAT(ErrorOf({"eval", "--suite", "b"}), HasSubstr("needs --policy PATH"));
  EXPECT_THAT(ErrorOf({"eval", "a", "--policy", "d", "--check"}), HasSubstr("needs --suite"));
  EXPECT_THAT(ErrorOf({"eval", "a", "--policy", "d", "--training", "f"}),
              HasSubstr("--training needs --suite"));
  EXPECT_THAT(ErrorOf({"score"}), HasSubstr("needs a recipe"));
  EXPECT_THAT(ErrorOf({"score", "a", "--reward", "b"}), HasSubstr("not both"));
  EXPECT_THAT(ErrorOf({"convert", "a"}), HasSubstr("needs a source and a destination"));
  EXPECT_THAT(ErrorOf({"convert", "a", "b", "c"}), HasSubstr("unexpected 'c'"));
  EXPECT_THAT(ErrorOf({"convert", "a", "b", "--dtype", "int8"}), HasSubstr("--dtype"));
  EXPECT_THAT(ErrorOf({"convert", "a", "b", "--to", "onnx"}), HasSubstr("--to"));
  EXPECT_THAT(ErrorOf({"sample"}), HasSubstr("--policy: missing"));
  EXPECT_THAT(ErrorOf({"sample", "word"}), HasSubstr("unexpected 'word'"));
  EXPECT_THAT(ErrorOf({"sample", "--policy", "x", "--top-p", "2"}),
              HasSubstr("grpo sample: --top-p: expected a number from 0 to 1, found 2"));
}

}  // namespace
}  // namespace grpo
