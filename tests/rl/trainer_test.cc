// Whole small runs: the same seed gives the same bytes, whatever the threads, and whatever killed
// it in between.
#include "rl/trainer.h"

#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "data/random.h"
#include "policy/checkpoint_reader.h"
#include "policy/policy_folder.h"
#include "rl/checkpoint.h"
#include "rl/eval_command.h"
#include "rl/evaluation.h"
#include "rl/run_parts.h"
#include "tests/data/scratch_folder.h"
#include "tests/rl/small_run.h"

namespace grpo {
namespace {

const std::atomic<bool> kNeverInterrupted{false};

std::string Metrics(const std::string& folder) { return *ReadFile(folder + "/metrics.jsonl"); }

nlohmann::json Summary(const std::string& folder) {
  return nlohmann::json::parse(*ReadFile(folder + "/summary.json"));
}

// All evaluations of a run but the place of the run.
std::vector<nlohmann::json> Evaluations(const std::string& folder) {
  std::vector<nlohmann::json> results;
  const auto names = ListDirectory(folder + "/evals");
  EXPECT_TRUE(names.ok()) << names.status();
  for (const std::string& name : *names) {
    const std::string path = absl::StrCat(folder, "/evals/", name, "/result.json");
    results.push_back(nlohmann::json::parse(*ReadFile(path)));
    results.back()["policy"] = name;
  }
  return results;
}

void ExpectSameRun(const std::string& a, const std::string& b) {
  EXPECT_EQ(Evaluations(a), Evaluations(b));
  EXPECT_EQ(Metrics(a), Metrics(b));
  EXPECT_EQ(Summary(a)["weights_digest"], Summary(b)["weights_digest"]);
  EXPECT_EQ(Summary(a)["after"], Summary(b)["after"]);
  EXPECT_EQ(*ListDirectory(a + "/samples"), *ListDirectory(b + "/samples"));
  const auto names = ListDirectory(a + "/samples");
  for (const std::string& name : *names) {
    EXPECT_EQ(*ReadFile(a + "/samples/" + name), *ReadFile(b + "/samples/" + name));
  }
}

TEST(TrainerTest, GivesTheSameBytesForTheSameSeedWithAnyNumberOfThreads) {
  const ScratchFolder folder;
  const std::string a = folder.Path("a"), b = folder.Path("b"), c = folder.Path("c");
  ASSERT_EQ(TrainSmall(a, {"run.threads=1"}, false, kNeverInterrupted), absl::OkStatus());
  ASSERT_EQ(TrainSmall(b, {"run.threads=3"}, false, kNeverInterrupted), absl::OkStatus());
  ExpectSameRun(a, b);
  ASSERT_EQ(TrainSmall(c, {"run.seed=2"}, false, kNeverInterrupted), absl::OkStatus());
  EXPECT_NE(Summary(a)["weights_digest"], Summary(c)["weights_digest"]);
}

// Recipes that change what is computed, as their overrides.
class TrainerVariantTest : public testing::TestWithParam<std::vector<std::string>> {};
INSTANTIATE_TEST_SUITE_P(
    Recipes, TrainerVariantTest,
    testing::Values(
        std::vector<std::string>{}, std::vector<std::string>{"policy.compute=bf16"},
        std::vector<std::string>{"grpo.pools.by=family", "grpo.pools.hard_below=0.3",
                                 "grpo.pools.easy_above=0.4"},
        std::vector<std::string>{"policy.lora.attention_rank=4", "policy.lora.expert_rank=4",
                                 "policy.lora.mlp_rank=4", "policy.lora.head_rank=4",
                                 "reward.2.name=phrases", "reward.2.forbidden=[\"e\"]"},
        std::vector<std::string>{"policy.lora.attention_rank=4", "policy.lora.expert_rank=2",
                                 "policy.compute=bf16", "reward.2.name=phrases",
                                 "reward.2.forbidden=[\"e\"]", "grpo.router.bias=rollouts"},
        std::vector<std::string>{"grpo.optimizer.kind=muon", "sft.optimizer.kind=muon"},
        std::vector<std::string>{"grpo.router.bias=rollouts", "grpo.router.bias_rate=0.01"},
        std::vector<std::string>{
            "grpo.router.bias=trained_tokens", "grpo.router.sequence_balance_coef=0.01",
            "grpo.router.global_balance_coef=0.01", "grpo.router.z_coef=0.001"}));

TEST_P(TrainerVariantTest, RecordsForEveryStepThatRolloutAndLearnerAgreeToTheBit) {
  const ScratchFolder folder;
  const std::string run = folder.Path("run");
  ASSERT_EQ(TrainSmall(run, GetParam(), false, kNeverInterrupted), absl::OkStatus());
  int steps = 0;
  for (absl::string_view line : absl::StrSplit(Metrics(run), '\n', absl::SkipEmpty())) {
    const auto record = nlohmann::json::parse(std::string(line));
    if (record["stage"] != "grpo" || record["num_updates"] == 0) continue;
    ++steps;
    ASSERT_TRUE(record.contains("sampling/sampling_logp_difference/max")) << line;
    EXPECT_EQ(record["sampling/sampling_logp_difference/max"].get<double>(), 0);
    EXPECT_EQ(record["routing/agreement"].get<double>(), 1);
  }
  EXPECT_GT(steps, 0);
}

TEST_P(TrainerVariantTest, GoesOnFromACheckpointWithTheBytesOfTheUninterruptedRun) {
  const ScratchFolder folder;
  const std::string whole = folder.Path("whole"), resumed = folder.Path("resumed");
  ASSERT_EQ(TrainSmall(whole, GetParam(), false, kNeverInterrupted), absl::OkStatus());
  const std::atomic<bool> interrupted{true};
  EXPECT_EQ(TrainSmall(resumed, GetParam(), false, interrupted).code(),
            absl::StatusCode::kCancelled);
  ASSERT_EQ(TrainSmall(resumed, GetParam(), true, kNeverInterrupted), absl::OkStatus());
  ExpectSameRun(whole, resumed);
}

// Starts the program itself on the small recipe, its output going nowhere.
pid_t StartProgram(const std::string& folder, bool resume,
                   const std::vector<std::string>& overrides = {}) {
  EXPECT_TRUE(WriteFileAtomically(folder + ".toml", kSmallRecipe).ok());
  std::vector<std::string> words = {"grpo", "train", folder + ".toml", "--set",
                                    "run.dir=" + folder};
  for (const std::string& override : overrides) {
    words.push_back("--set");
    words.push_back(override);
  }
  if (resume) words.push_back("--resume");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t child = fork();
  if (child != 0) return child;
  std::freopen("/dev/null", "w", stdout);
  execv(GRPO_PROGRAM, arguments.data());
  _exit(127);
}

TEST(TrainerTest, SamplesFromThePolicyOfSoManyStepsAgoAndGoesOnAlike) {
  const ScratchFolder folder;
  const std::string whole = folder.Path("whole"), resumed = folder.Path("resumed");
  const std::vector<std::string> lag = {"grpo.rollout_lag=2", "grpo.steps=5",
                                        "checkpoint.every_steps=1"};
  ASSERT_EQ(TrainSmall(whole, lag, false, kNeverInterrupted), absl::OkStatus());
  for (int step = 1; step <= 5; ++step) {
    const std::string samples = *ReadFile(absl::StrCat(whole, "/samples/step-", step, ".jsonl"));
    EXPECT_THAT(samples, testing::HasSubstr(
                             absl::StrCat("\"policy_version\":", std::max(0, step - 1 - 2), ",")));
  }
  ASSERT_EQ(TrainSmall(resumed, lag, false, kNeverInterrupted), absl::OkStatus());
  ASSERT_TRUE(RemoveTree(*LatestCheckpoint(resumed)).ok());
  ASSERT_EQ(TrainSmall(resumed, lag, true, kNeverInterrupted), absl::OkStatus());
  ExpectSameRun(whole, resumed);
  // The second step learns from what the policy before the first sampled, the first does not.
  int step = 0;
  for (absl::string_view line : absl::StrSplit(Metrics(whole), '\n', absl::SkipEmpty())) {
    const auto record = nlohmann::json::parse(std::string(line));
    if (record["stage"] != "grpo" || record["num_updates"] == 0) continue;
    const double difference = record["sampling/sampling_logp_difference/max"].get<double>();
    EXPECT_EQ(difference == 0, step == 0) << line;
    ++step;
  }
  EXPECT_GT(step, 2);
}

TEST(TrainerTest, MovesRouterBiasesOnlyWhereTheRecipeSaysSo) {
  const ScratchFolder folder;
  const auto biases = [&](const std::string& run, std::vector<std::string> overrides) {
    EXPECT_EQ(TrainSmall(folder.Path(run), std::move(overrides), false, kNeverInterrupted),
              absl::OkStatus());
    const auto checkpoint = CheckpointReader::Open(*LatestCheckpoint(folder.Path(run)));
    return LoadWeights(**checkpoint, MatrixStorage::kFloat)->layers[1].router_bias;
  };
  EXPECT_TRUE(biases("frozen", {}).eq(0).all().item<bool>());
  const at::Tensor moved =
      biases("moved", {"grpo.router.bias=rollouts", "grpo.router.bias_rate=0.01"});
  EXPECT_TRUE(moved.ne(0).any().item<bool>());
  EXPECT_LE(moved.abs().max().item<float>(), 0.0601f);  // six steps
}

TEST(TrainerTest, RefusesToBalanceExpertsThatThePolicyDoesNotHave) {
  const ScratchFolder folder;
  const std::string dense = "policy.config.first_k_dense_replace=2";
  const absl::Status bias =
      TrainSmall(folder.Path("a"), {dense, "grpo.router.bias=rollouts"}, false, kNeverInterrupted);
  EXPECT_THAT(std::string(bias.message()), testing::HasSubstr("has no experts"));
  const absl::Status loss =
      TrainSmall(folder.Path("b"), {dense, "grpo.router.z_coef=0.1"}, false, kNeverInterrupted);
  EXPECT_THAT(std::string(loss.message()), testing::HasSubstr("grpo.router has a loss"));
}

// LibTorch's OpenMP library ties the program's first thread to one processor then.
TEST(TrainerTest, UsesAllProcessorsWhereOpenMpIsToldToBindItsThreads) {
  cpu_set_t own, of_child;
  ASSERT_EQ(sched_getaffinity(0, sizeof(own), &own), 0);
  if (CPU_COUNT(&own) == 1) GTEST_SKIP() << "this machine has one processor";
  const ScratchFolder folder;
  ASSERT_EQ(setenv("OMP_PROC_BIND", "true", 1), 0);
  const pid_t child = StartProgram(folder.Path("run"), false);
  ASSERT_EQ(unsetenv("OMP_PROC_BIND"), 0);
  bool is_free = false;
  int status;
  while (waitpid(child, &status, WNOHANG) == 0) {
    ASSERT_EQ(sched_getaffinity(child, sizeof(of_child), &of_child), 0);
    is_free = CPU_EQUAL(&of_child, &own) != 0;
    usleep(100);
  }
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(is_free);
}

// Kills runs with SIGKILL twenty times, at random instants, and resumes them each time; one that
// gets to its end before that is followed by another.
TEST(TrainerTest, GivesTheBytesOfTheUninterruptedRunAfterTwentyKillsAtRandomInstants) {
  const ScratchFolder folder;
  const std::vector<std::string> longer = {"grpo.steps=20", "checkpoint.every_steps=1"};
  const std::string whole = folder.Path("whole");
  int status;
  pid_t child = StartProgram(whole, false, longer);
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  RandomStream random(20, 1);
  int kills = 0;
  for (int run = 0; kills < 20; ++run) {
    const std::string killed = folder.Path(absl::StrCat("killed-", run));
    for (bool ended = false; !ended;) {
      child = StartProgram(killed, FileExists(killed + "/recipe.resolved.toml"), longer);
      if (kills < 20) {
        usleep(random.Between(20000, 900000));
        kill(child, SIGKILL);
      }
      ASSERT_EQ(waitpid(child, &status, 0), child);
      ended = WIFEXITED(status);
      ASSERT_TRUE(!ended || WEXITSTATUS(status) == 0);
      kills += !ended;
    }
    ExpectSameRun(whole, killed);
  }
}

TEST(TrainerTest, NamesTheDamagedFileOfACheckpointAndTheCheckpointToGoOnFrom) {
  const ScratchFolder folder;
  const std::string whole = folder.Path("whole"), damaged = folder.Path("damaged");
  ASSERT_EQ(TrainSmall(whole, {}, false, kNeverInterrupted), absl::OkStatus());
  ASSERT_EQ(TrainSmall(damaged, {}, false, kNeverInterrupted), absl::OkStatus());
  const std::string newest = *LatestCheckpoint(damaged);
  const auto names = ListDirectory(newest);
  ASSERT_GT(names->size(), 5u);
  for (const std::string& name : *names) {
    const std::string path = absl::StrCat(newest, "/", name), before = *ReadFile(path);
    for (const size_t at : {size_t{0}, before.size() / 2, before.size() - 1}) {
      std::string changed = before;
      changed[at] ^= 1;
      ASSERT_TRUE(WriteFileAtomically(path, changed).ok());
      const absl::Status status = TrainSmall(damaged, {}, true, kNeverInterrupted);
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << name << " at " << at;
      EXPECT_THAT(std::string(status.message()), testing::StartsWith(path + ":"));
      EXPECT_THAT(std::string(status.message()), testing::HasSubstr("checkpoints/step-16"));
    }
    ASSERT_TRUE(WriteFileAtomically(path, before).ok());
  }
  ASSERT_TRUE(RemoveTree(newest).ok());
  ASSERT_EQ(TrainSmall(damaged, {}, true, kNeverInterrupted), absl::OkStatus());
  ExpectSameRun(whole, damaged);
}

// A file system of its own that is too small for the run, and then larger.
TEST(TrainerTest, GoesOnWithTheSameBytesAfterTheDiskWasFull) {
  const ScratchFolder folder;
  const std::string whole = folder.Path("whole"), disk = folder.Path("disk"),
                    out = folder.Path("out");
  ASSERT_EQ(TrainSmall(whole, {}, false, kNeverInterrupted), absl::OkStatus());
  ASSERT_TRUE(MakeDirectories(disk).ok());
  ASSERT_TRUE(MakeDirectories(out).ok());
  if (std::system(
          absl::StrCat("unshare --map-root-user --mount mount -t tmpfs none ", disk, " 2>/dev/null")
              .c_str()) != 0) {
    GTEST_SKIP() << "needs a kernel that lets users mount a tmpfs in a namespace";
  }
  const std::string train =
      absl::StrCat(GRPO_PROGRAM, " train ", whole, ".toml --set run.dir=", disk,
                   "/run >/dev/null 2>>", out, "/errors");
  const std::string script =
      absl::StrCat("mount -t tmpfs -o size=700k none ", disk, "\n", train, "; echo $? >", out,
                   "/first\n", "mount -o remount,size=64m ", disk, "\n", train,
                   " --resume; echo $? >", out, "/second\n", "cp -r ", disk, "/run ", out, "/\n");
  ASSERT_TRUE(WriteFileAtomically(out + "/script", script).ok());
  ASSERT_EQ(
      std::system(absl::StrCat("unshare --map-root-user --mount bash ", out, "/script").c_str()),
      0);
  EXPECT_EQ(*ReadFile(out + "/first"), "1\n");
  EXPECT_EQ(*ReadFile(out + "/second"), "0\n") << *ReadFile(out + "/errors");
  EXPECT_THAT(*ReadFile(out + "/errors"), testing::HasSubstr("No space left on device"));
  ExpectSameRun(whole, out + "/run");
}

TEST(TrainerTest, GoesOnWithOtherMicroBatchesAndTheSameLoss) {
  const ScratchFolder folder;
  const std::string whole = folder.Path("whole"), resumed = folder.Path("resumed");
  const std::string each_step = "checkpoint.every_steps=1";
  ASSERT_EQ(TrainSmall(whole, {each_step}, false, kNeverInterrupted), absl::OkStatus());
  ASSERT_EQ(TrainSmall(resumed, {each_step}, false, kNeverInterrupted), absl::OkStatus());
  ASSERT_TRUE(RemoveTree(*LatestCheckpoint(resumed)).ok());
  ASSERT_EQ(TrainSmall(resumed, {"grpo.micro_batch_tokens=40", "grpo.share_prompts=false"}, true,
                       kNeverInterrupted),
            absl::OkStatus());
  const auto last = [](const std::string& run, const char* metric) {
    double value = 0;
    for (absl::string_view line : absl::StrSplit(Metrics(run), '\n', absl::SkipEmpty())) {
      const auto record = nlohmann::json::parse(std::string(line));
      if (record.contains(metric)) value = record[metric].get<double>();
    }
    return value;
  };
  const double norm = last(whole, "grad_norm");
  EXPECT_GT(norm, 0);
  EXPECT_NEAR(last(resumed, "policy_loss"), last(whole, "policy_loss"), 1e-6);
  EXPECT_NEAR(last(resumed, "grad_norm"), norm, 1e-5 * norm);
}

TEST(TrainerTest, StopsAtAStepWhenInterruptedAndGoesOnWithTheSameBytes) {
  const ScratchFolder folder;
  const std::string whole = folder.Path("whole"), stopped = folder.Path("stopped");
  ASSERT_EQ(TrainSmall(whole, {}, false, kNeverInterrupted), absl::OkStatus());
  const std::atomic<bool> interrupted{true};
  bool resume = false;
  // Interrupted from the start of each life, it still finishes a step of imitation each time.
  for (int life = 0; life < 5; ++life) {
    const absl::Status status = TrainSmall(stopped, {}, resume, interrupted);
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "--resume"));
    resume = true;
  }
  ASSERT_EQ(TrainSmall(stopped, {}, true, kNeverInterrupted), absl::OkStatus());
  ExpectSameRun(whole, stopped);
}

// What a checkpoint says of itself, by its step.
std::map<std::string, nlohmann::json> States(const std::string& folder) {
  std::map<std::string, nlohmann::json> states;
  const auto names = ListDirectory(folder + "/checkpoints");
  for (const std::string& name : *names) {
    states[name] =
        nlohmann::json::parse(*ReadFile(folder + "/checkpoints/" + name + "/state.json"));
  }
  return states;
}

TEST(TrainerTest, EvaluatesAsTheEvaluationOfACheckpointDoes) {
  const ScratchFolder folder;
  const std::string run = folder.Path("run");
  ASSERT_EQ(TrainSmall(run, {}, false, kNeverInterrupted), absl::OkStatus());
  const std::vector<nlohmann::json> evaluations = Evaluations(run);
  ASSERT_EQ(evaluations.size(), 3u);  // before, in between and after
  const std::string name = evaluations.back()["policy"];
  auto recipe = LoadRecipe(run + ".toml", {});
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  recipe->run.stages = {"eval"};
  const auto parts = BuildRunParts(*recipe, absl::StrCat(run, "/checkpoints/", name));
  ASSERT_TRUE(parts.ok()) << parts.status();
  ASSERT_EQ(parts->evaluations.size(), 1u);
  const auto evaluate = [&](size_t limit) {
    RunEvaluationOptions options;
    options.folder = folder.Path("again");
    options.limit = limit;
    auto result = RunEvaluation(*recipe, parts->evaluations[0], parts->weights,
                                parts->weights.Digest(), options);
    EXPECT_TRUE(result.ok()) << result.status();
    return nlohmann::json(SuiteResultToJson(*result));
  };
  nlohmann::json again = evaluate(0);
  EXPECT_EQ(again["problems"].size(), 6u);
  again["policy"] = name;
  EXPECT_EQ(again, evaluations.back());
  // Another evaluation in the folder is replaced.
  EXPECT_EQ(evaluate(2)["problems"].size(), 2u);
}

// A suite of three sums beside its file; the overrides that have a run evaluate it.
std::vector<std::string> WithSums(const ScratchFolder& folder) {
  EXPECT_TRUE(WriteFileAtomically(folder.Path("sums.toml"), R"(
name = "sums"
title = "Sums"
chat_template = "{{ bos_token }}{{ messages[0].content }}"
[data]
file = "sums.csv"
origin = "here"
licence = "CC0"
records = 4
[record]
prompt = "{{ question }}"
answer = "{{ answer }}"
[[reward]]
name = "math_answer"
[sampling]
temperature = 1.0
max_new_tokens = 12
)")
                  .ok());
  EXPECT_TRUE(
      WriteFileAtomically(folder.Path("sums.csv"), "question,answer\n1+1,2\n2+1,3\n3+1,4\n").ok());
  return {"eval.suite.0.name=" + folder.Path("sums.toml"), "eval.suite.0.data=" + folder.Path(""),
          "eval.suite.0.set=[\"samples=3\"]"};
}

TEST(TrainerTest, EvaluatesSuitesBesideTheHeldOutProblemsAsTheCommandDoes) {
  const ScratchFolder folder;
  const std::string run = folder.Path("run"), other = folder.Path("other");
  const std::vector<std::string> sums = WithSums(folder);
  ASSERT_EQ(TrainSmall(run, sums, false, kNeverInterrupted), absl::OkStatus());
  ASSERT_EQ(TrainSmall(other, {}, false, kNeverInterrupted), absl::OkStatus());
  // Evaluations leave the run as it is.
  EXPECT_EQ(Summary(run)["weights_digest"], Summary(other)["weights_digest"]);
  EXPECT_EQ(Summary(run)["after"], Summary(other)["after"]);
  const nlohmann::json suite = Summary(run)["suites"]["sums"];
  EXPECT_EQ(suite["metric"], "mean@3");
  EXPECT_EQ(suite["after"]["problems"], 3);
  int evaluations = 0;
  for (const absl::string_view line : absl::StrSplit(Metrics(run), '\n', absl::SkipEmpty())) {
    const auto record = nlohmann::json::parse(line);
    for (const char* when : {"before", "during", "after"}) {
      evaluations += record.contains(absl::StrCat("eval/sums/", when, "/mean@3"));
    }
  }
  EXPECT_EQ(evaluations, 3);
  CommandLine command;
  command.command = Command::kEval;
  command.suites = {folder.Path("sums.toml")};
  command.policy = run + "/checkpoints/step-18";
  command.overrides = {"samples=3"};
  command.suite.data = folder.Path("");
  command.suite.out = folder.Path("again");
  ASSERT_EQ(RunEval(command, kNeverInterrupted), absl::OkStatus());
  nlohmann::json in_run = nlohmann::json::parse(*ReadFile(run + "/evals/step-18/sums/result.json"));
  nlohmann::json again = nlohmann::json::parse(*ReadFile(folder.Path("again/sums/result.json")));
  in_run["policy"] = again["policy"];
  EXPECT_EQ(in_run, again);
  // The recipe has the command evaluate both.
  command.suites.clear();
  command.recipe = run + ".toml";
  command.overrides = sums;
  command.suite.out = folder.Path("both");
  ASSERT_EQ(RunEval(command, kNeverInterrupted), absl::OkStatus());
  nlohmann::json both = nlohmann::json::parse(*ReadFile(folder.Path("both/sums/result.json")));
  EXPECT_EQ(both, again);
  EXPECT_TRUE(ReadFile(folder.Path("both/held_out/result.json")).ok());
}

TEST(TrainerTest, GoesOnInTheSuiteThatItWasKilledIn) {
  const ScratchFolder folder;
  const std::string run = folder.Path("run");
  std::vector<std::string> overrides = WithSums(folder);
  overrides.push_back("eval.problems=0");
  overrides.push_back("checkpoint.keep=10");
  ASSERT_EQ(TrainSmall(run, overrides, false, kNeverInterrupted), absl::OkStatus());
  const std::string evaluation = run + "/evals/step-18/sums/";
  const std::string result = *ReadFile(evaluation + "result.json");
  const std::string samples = *ReadFile(evaluation + "samples-0-of-1.jsonl");
  const std::string metrics = Metrics(run);
  // As if it were killed after the first problem of the last evaluation.
  ASSERT_TRUE(RemoveTree(run + "/checkpoints/step-18").ok());
  ASSERT_TRUE(RemoveTree(evaluation + "result.json").ok());
  ASSERT_TRUE(WriteFileAtomically(evaluation + "samples-0-of-1.jsonl",
                                  samples.substr(0, samples.find("\"problem\":1")))
                  .ok());
  ASSERT_EQ(TrainSmall(run, overrides, true, kNeverInterrupted), absl::OkStatus());
  EXPECT_EQ(*ReadFile(evaluation + "result.json"), result);
  EXPECT_EQ(Metrics(run), metrics);
  EXPECT_TRUE(Summary(run)["after"].is_null());
  EXPECT_EQ(Summary(run)["suites"]["sums"]["before"]["problems"], 3);
}

TEST(TrainerTest, RefusesASuiteThatStandsTwiceAndOneWithoutItsFile) {
  const ScratchFolder folder;
  std::vector<std::string> overrides = WithSums(folder);
  overrides.push_back("eval.suite.1.name=" + folder.Path("sums.toml"));
  overrides.push_back("eval.suite.1.data=" + folder.Path(""));
  absl::Status status = TrainSmall(folder.Path("run"), overrides, false, kNeverInterrupted);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              testing::AllOf(testing::HasSubstr("eval.suite.1"), testing::HasSubstr("sums-2")));
  overrides.push_back("eval.suite.1.set=[\"name=sums-2\", \"data.file=none.csv\"]");
  status = TrainSmall(folder.Path("run"), overrides, false, kNeverInterrupted);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("none.csv"));
}

TEST(TrainerTest, KeepsTheBestOfThePoliciesThatItEvaluated) {
  const ScratchFolder folder;
  const std::string run = folder.Path("run");
  ASSERT_EQ(TrainSmall(run,
                       {"checkpoint.keep_best=true", "checkpoint.keep=1",
                        "checkpoint.every_steps=0", "eval.every_steps=1"},
                       false, kNeverInterrupted),
            absl::OkStatus());
  double best = -1;
  int64_t best_step = -1;  // 12 steps of imitation come first
  for (const absl::string_view line : absl::StrSplit(Metrics(run), '\n', absl::SkipEmpty())) {
    const auto record = nlohmann::json::parse(line);
    if (!record.contains("eval/during/mean@2")) continue;
    const double rate = record["eval/during/mean@2"];
    if (rate > best) best_step = 12 + record["step"].get<int64_t>();
    best = std::max(best, rate);
  }
  const auto states = States(run);
  EXPECT_EQ(states.size(), 2u);
  EXPECT_EQ(states.begin()->first, absl::StrCat("step-", best_step));
  for (const auto& [name, state] : states) {
    EXPECT_EQ(state["best_step"], best_step) << name;
    EXPECT_EQ(state["best_pass_rate"], best) << name;
  }
}

TEST(TrainerTest, WritesACheckpointAfterSoManyMinutes) {
  const ScratchFolder folder;
  const std::string run = folder.Path("run");
  ASSERT_EQ(TrainSmall(run,
                       {"checkpoint.every_minutes=1e-9", "checkpoint.every_steps=0",
                        "checkpoint.keep=100", "run.stages=[\"sft\"]"},
                       false, kNeverInterrupted),
            absl::OkStatus());
  EXPECT_EQ(States(run).size(), 12u);  // a step each
}

// A reward of one's own, which compares whole groups, dies, hangs, and writes NaN and garbage now
// and then.
constexpr char kChaosReward[] = R"(
import json, os, sys, time
for line in sys.stdin:
    request = json.loads(line)
    if request.get("op") == "hello":
        print(json.dumps({"name": "chaos", "version": "1", "flags": ["group"], "max_batch": 0}), flush=True)
        continue
    items = request["items"]
    whole = len(items) == 4 and len({item["group_id"] for item in items}) == 1
    fate = sum(map(len, (item["prompt"] for item in items))) // 4 + items[0]["group_id"]
    if not whole or fate % 7 == 0:
        os._exit(3)
    if fate % 7 == 1:
        print("garbage", flush=True)
        continue
    if fate % 7 == 2 and items[0]["group_id"] % 5 == 0:
        time.sleep(1000)
    score = float("nan") if fate % 7 == 3 else 1.0
    results = [{"status": "scored", "score": score if i % 2 else 0.5} for i in range(len(items))]
    print(json.dumps({"id": request["id"], "results": results}), flush=True)
)";

TEST(TrainerTest, GoesOnWhereAProcessThatScoresDiesHangsAndWritesGarbage) {
  if (std::system("python3 --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no python3 here";
  const ScratchFolder folder;
  const std::string run = folder.Path("run"), script = folder.Path("chaos.py");
  ASSERT_TRUE(WriteFileAtomically(script, kChaosReward).ok());
  const pid_t child =
      StartProgram(run, false,
                   {"run.stages=[\"grpo\"]", "grpo.on_error=\"drop\"", "grpo.max_refills=0",
                    "reward.1.name=\"process:python3 " + script + "\"", "reward.1.label=\"chaos\"",
                    "reward.1.batch_seconds=1.0"});
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  int steps = 0, errors = 0;
  for (absl::string_view line : absl::StrSplit(Metrics(run), '\n', absl::SkipEmpty())) {
    const auto record = nlohmann::json::parse(std::string(line));
    if (record["stage"] != "grpo" || !record.contains("rewards/errors")) continue;
    ++steps;
    // Whole groups of four, of the six of a step: nothing that did fail counts as a score.
    const int step_errors = record["rewards/errors"].get<int>();
    EXPECT_EQ(step_errors % 4, 0);
    EXPECT_LE(step_errors, 24);
    errors += step_errors;
    if (step_errors < 24) {
      EXPECT_EQ(record["rewards/chaos/mean"].get<double>(), 0.75);
    }
  }
  EXPECT_EQ(steps, 6);
  EXPECT_GT(errors, 0);
  EXPECT_LT(errors, 6 * 24);
}

TEST(TrainerTest, LearnsFromAFileOfFewerPromptsThanAStepTakes) {
  const ScratchFolder folder;
  const std::string run = folder.Path("run"), prompts = folder.Path("prompts.jsonl");
  ASSERT_TRUE(WriteFileAtomically(
                  prompts, R"({"prompt": "Add 1 to 1. Say what one and one make.", "answer": "2"}
{"prompt": "Add 2 to 1. Say what two and one make.", "answer": "3"}
)")
                  .ok());
  const absl::Status status =
      TrainSmall(run,
                 {"run.stages=[\"grpo\"]", "data.task=[]", "data.train_file=" + prompts,
                  "data.eval_file=" + prompts, "grpo.steps=2", "tokenizer.train_vocab_size=268"},
                 false, kNeverInterrupted);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_TRUE(absl::StrContains(Metrics(run), "\"step\":2"));
}

TEST(TrainerTest, GoesOnWithoutUpdatesWhenNoGroupHasSignal) {
  const ScratchFolder folder;
  const std::string run = folder.Path("run");
  // A reward of weight zero is the same for all.
  ASSERT_TRUE(TrainSmall(run,
                         {"run.stages=[\"grpo\"]", "reward.0.weight=0", "reward.1.weight=1e-300",
                          "grpo.max_refills=1", "grpo.sampling.max_new_tokens=1"},
                         false, kNeverInterrupted)
                  .ok());
  EXPECT_TRUE(absl::StrContains(Metrics(run), "\"num_updates\":0"));
  EXPECT_TRUE(absl::StrContains(Metrics(run), "\"training/filter_groups/refills\":1"));
}

}  // namespace
}  // namespace grpo
