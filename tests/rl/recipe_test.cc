#include "rl/recipe.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/file.h"
#include "reward/registry.h"

namespace grpo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A recipe with something in every section; line numbers of the malformed recipes below count from
// its end.
constexpr char kRecipe[] = R"([run]
name = "small"
seed = 7
stages = ["sft", "grpo", "eval"]

[policy.config]
num_hidden_layers = 2
rms_norm_eps = 1e-5

[policy.config.rope_scaling]
type = "yarn"
factor = 4

[[data.task]]
family = "addition"
level = 2
[[data.task]]
family = "countdown"
weight = 0.5

[sft]
steps = 10
[sft.optimizer]
learning_rate = 3e-4

[grpo]
steps = 20
group_size = 8
[grpo.sampling]
stop_strings = ["</answer>", "a \"quote\"\n\t\\"]
[grpo.objective]
kl_coef = 0.01
reference_refresh_steps = 50

[[reward]]
name = "final_answer"
[[reward]]
name = "format"
weight = 0.1
)";

// A minimal right recipe, to which a test adds what is wrong with it.
constexpr char kBase[] =
    "run.stages = [\"grpo\"]\ndata.task = [{family = \"addition\"}]\nreward = [{name = "
    "\"format\"}]\n"
    "[grpo]\nsteps = 1\n";

std::string ErrorOf(const std::string& toml, const std::vector<std::string>& overrides = {}) {
  const absl::StatusOr<Recipe> recipe = ParseRecipe(toml, "recipe.toml", overrides);
  return recipe.ok() ? "no error" : std::string(recipe.status().message());
}

TEST(RecipeTest, AnAlgorithmSetsWhatTheRecipeDoesNot) {
  const auto read = [](const std::string& lines) {
    const absl::StatusOr<Recipe> recipe = ParseRecipe(kBase + lines, "recipe.toml", {});
    EXPECT_TRUE(recipe.ok()) << recipe.status();
    return recipe.ok() ? *recipe : Recipe();
  };
  const ObjectiveConfig plain = read("").grpo.objective;
  const ObjectiveConfig dapo = read("algorithm = \"dapo\"").grpo.objective;
  EXPECT_EQ(plain.advantage, dapo.advantage);
  EXPECT_EQ(plain.policy_loss, dapo.policy_loss);
  EXPECT_EQ(plain.aggregation, dapo.aggregation);
  EXPECT_EQ(plain.clip_high, dapo.clip_high);
  const Recipe gspo = read("algorithm = \"gspo\"\nobjective.clip_high = 0.5");
  EXPECT_EQ(gspo.grpo.objective.policy_loss, "gspo");
  EXPECT_EQ(gspo.grpo.objective.aggregation, "sequence_mean");
  EXPECT_EQ(gspo.grpo.objective.clip_low, 3e-4);
  EXPECT_EQ(gspo.grpo.objective.clip_high, 0.5);
  const absl::StatusOr<Recipe> again = ParseRecipe(ResolvedRecipe(gspo), "resolved.toml", {});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(ResolvedRecipe(*again), ResolvedRecipe(gspo));
  EXPECT_EQ(again->grpo.objective.clip_high, 0.5);
}

TEST(RecipeTest, ReadsEverySection) {
  const absl::StatusOr<Recipe> recipe = ParseRecipe(kRecipe, "recipe.toml", {});
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  EXPECT_EQ(recipe->run.name, "small");
  EXPECT_EQ(recipe->run.seed, 7);
  EXPECT_THAT(recipe->run.stages, ElementsAre("sft", "grpo", "eval"));
  EXPECT_EQ(recipe->policy.config.num_hidden_layers, 2);
  EXPECT_EQ(recipe->policy.config.rms_norm_eps, 1e-5);
  EXPECT_EQ(recipe->policy.config.rope_scaling.type, "yarn");
  EXPECT_EQ(recipe->policy.config.rope_scaling.factor, 4);
  ASSERT_EQ(recipe->data.task.size(), 2u);
  EXPECT_EQ(recipe->data.task[0].level, 2);
  EXPECT_EQ(recipe->data.task[1].family, "countdown");
  EXPECT_EQ(recipe->data.task[1].weight, 0.5);
  EXPECT_EQ(recipe->sft.optimizer.learning_rate, 3e-4);
  EXPECT_THAT(recipe->grpo.sampling.stop_strings, ElementsAre("</answer>", "a \"quote\"\n\t\\"));
  ASSERT_EQ(recipe->reward.size(), 2u);
  EXPECT_EQ(recipe->reward[1].weight, 0.1);
  EXPECT_EQ(recipe->grpo.prompts_per_step, GrpoConfig().prompts_per_step);
}

TEST(RecipeTest, PutsTheRunFolderUnderRunsByDefault) {
  EXPECT_EQ(ParseRecipe(kRecipe, "r", {})->run.dir, "runs/small");
  EXPECT_EQ(ParseRecipe(kRecipe, "r", {"run.dir=/tmp/x"})->run.dir, "/tmp/x");
}

TEST(RecipeTest, TheResolvedRecipeReadsBackToItself) {
  for (const std::vector<std::string>& overrides :
       {std::vector<std::string>{},
        {"run.name=\"ä\\u0001\\\"\"", "run.dir=a b", "run.seed=9223372036854775807"},
        {"grpo.optimizer.learning_rate=0.1234567890123456789", "reward.0.weight=-1e-300",
         "grpo.optimizer.epsilon=1e-08", "scorer.deadline_seconds=86400"}}) {
    const absl::StatusOr<Recipe> recipe = ParseRecipe(kRecipe, "recipe.toml", overrides);
    ASSERT_TRUE(recipe.ok()) << recipe.status();
    const std::string printed = ResolvedRecipe(*recipe);
    const absl::StatusOr<Recipe> again = ParseRecipe(printed, "resolved", {});
    ASSERT_TRUE(again.ok()) << again.status() << "\n" << printed;
    EXPECT_EQ(ResolvedRecipe(*again), printed);
    EXPECT_EQ(again->grpo.optimizer.learning_rate, recipe->grpo.optimizer.learning_rate);
    EXPECT_EQ(again->reward[0].weight, recipe->reward[0].weight);
    EXPECT_EQ(again->run.seed, recipe->run.seed);
    EXPECT_EQ(again->run.name, recipe->run.name);
    EXPECT_EQ(again->grpo.sampling.stop_strings, recipe->grpo.sampling.stop_strings);
  }
}

TEST(RecipeTest, TheResolvedRecipeDocumentsEveryKey) {
  const std::string printed = ResolvedRecipe(*ParseRecipe(kRecipe, "recipe.toml", {}));
  EXPECT_THAT(printed, HasSubstr("\n[grpo.objective]  # what is maximised\n"));
  EXPECT_THAT(printed, HasSubstr("# completions G of a prompt (2 to 65536)\n"));
  EXPECT_THAT(printed, HasSubstr("# where the policy lives (cpu | cuda)\n"));
  for (absl::string_view line : absl::StrSplit(printed, '\n', absl::SkipEmpty())) {
    EXPECT_TRUE(absl::StrContains(line, "# ")) << line;
  }
}

TEST(RecipeTest, TheResolvedRecipeOfAStoredPolicyHasNoShape) {
  const absl::StatusOr<Recipe> recipe =
      ParseRecipe(kBase, "recipe.toml", {"policy.path=/models/x"});
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  const std::string printed = ResolvedRecipe(*recipe);
  EXPECT_THAT(printed, Not(HasSubstr("policy.config")));
  const absl::StatusOr<Recipe> again = ParseRecipe(printed, "resolved", {});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(ResolvedRecipe(*again), printed);
}

TEST(RecipeTest, TheResolvedRecipeOfDefaultsHasNoLists) {
  const std::string printed = ResolvedRecipe(Recipe());
  EXPECT_THAT(printed, HasSubstr("# [[data.task]]: none"));
  EXPECT_THAT(printed, HasSubstr("# [[reward]]: none"));
}

TEST(RecipeOverrideTest, ChangesAddsAndAppends) {
  const absl::StatusOr<Recipe> recipe = ParseRecipe(
      kRecipe, "recipe.toml",
      {"grpo.steps=3", "data.task.0.level=5", "reward.1.weight = 0.25", "reward.2.name=length",
       "data.task.2={family = \"sorting\", level = 3}", "checkpoint.keep=9",
       "run.stages=[\"grpo\", \"eval\"]", "grpo.replay_routing=true", "grpo.steps=4"});
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  EXPECT_EQ(recipe->grpo.steps, 4);
  EXPECT_EQ(recipe->data.task[0].level, 5);
  EXPECT_EQ(recipe->data.task[2].family, "sorting");
  EXPECT_EQ(recipe->reward[1].weight, 0.25);
  EXPECT_EQ(recipe->reward[2].name, "length");
  EXPECT_EQ(recipe->checkpoint.keep, 9);
  EXPECT_TRUE(recipe->grpo.replay_routing);
  EXPECT_THAT(recipe->run.stages, ElementsAre("grpo", "eval"));
}

TEST(RecipeOverrideTest, BeginsAListThatTheFileLacks) {
  const absl::StatusOr<Recipe> recipe =
      ParseRecipe("grpo.steps = 1", "recipe.toml",
                  {"run.stages.0=grpo", "reward.0.name=format", "data.task.0.family=addition"});
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  EXPECT_EQ(recipe->reward[0].name, "format");
  EXPECT_THAT(recipe->run.stages, ElementsAre("grpo"));
}

TEST(RecipeOverrideTest, TakesAnythingAsATextWhereATextIsWanted) {
  for (const char* value : {"plain", "2026", "true", "2026-01-02", "1e5", "/tmp/a#b", "a=b", "ä"}) {
    const absl::StatusOr<Recipe> recipe =
        ParseRecipe(kRecipe, "r", {absl::StrCat("run.dir=", value)});
    ASSERT_TRUE(recipe.ok()) << recipe.status();
    EXPECT_EQ(recipe->run.dir, value);
  }
  EXPECT_EQ(ParseRecipe(kRecipe, "r", {"run.dir=\"quoted\""})->run.dir, "quoted");
  EXPECT_EQ(ParseRecipe(kRecipe, "r", {"run.dir="})->run.dir, "runs/small");
}

TEST(RecipeErrorTest, NamesFileLineColumnKeyExpectationAndFinding) {
  EXPECT_EQ(ErrorOf("run.stages = [\"grpo\"]\ndata.task = [{family = \"addition\"}]\n"
                    "reward = [{name = \"format\"}]\n[grpo]\nsteps = 1\ngroup_size = 1\n"),
            "recipe.toml:6:14: grpo.group_size: expected an integer from 2 to 65536, found 1");
  EXPECT_EQ(ErrorOf(absl::StrCat(kBase, "stepz = 3")),
            "recipe.toml:6:1: grpo.stepz: unknown key; did you mean grpo.steps?");
  EXPECT_EQ(ErrorOf(kBase, {"grpo.stepz=3"}),
            "--set grpo.stepz=3: grpo.stepz: unknown key; did you mean grpo.steps?");
}

TEST(RecipeErrorTest, ReportsAllErrorsInTheOrderOfTheFileAndThenOfTheOverrides) {
  const std::string all = ErrorOf(
      "[eval]\nsamples = \"x\"\n[run]\nthreads = 0\nstages = [\"grpo\"]\n[grpo]\nsteps = 1\n",
      {"run.seed=-1", "grpo.steps=x"});
  const std::vector<std::string> lines = absl::StrSplit(all, '\n');
  EXPECT_THAT(lines,
              ElementsAre(HasSubstr("recipe.toml: data: "), HasSubstr("recipe.toml: reward: "),
                          HasSubstr("recipe.toml:2:11: eval.samples: "),
                          HasSubstr("recipe.toml:4:11: run.threads: "),
                          HasSubstr("--set run.seed=-1: run.seed: "),
                          HasSubstr("--set grpo.steps=x: grpo.steps: ")));
}

TEST(RecipeErrorTest, KeepsQuietAboutWhatFollowsFromAnotherError) {
  EXPECT_EQ(ErrorOf("run.stages = [\"grpo\"]\ndata.task = [{family = \"addition\"}]\n"
                    "rewards = [{name = \"format\"}]\ngrpo.steps = 1\n"),
            "recipe.toml:3:1: rewards: unknown key; did you mean reward?");
}

struct Malformed {
  std::string toml;  // after kBase, unless it begins with a space: then alone
  std::vector<std::string> overrides;
  std::vector<std::string> fragments;  // of the message
};

const std::vector<Malformed>& MalformedRecipes() {
  static const auto* recipes = new std::vector<Malformed>{
      // Syntax.
      {"steps", {}, {"recipe.toml:6:", "not valid TOML"}},
      {"steps = 2", {}, {"recipe.toml:6:", "not valid TOML", "redefine"}},
      {"[grpo", {}, {"recipe.toml:6:", "not valid TOML"}},
      {"max_refills = 1 2", {}, {"recipe.toml:6:", "not valid TOML"}},
      {"on_error = \"drop", {}, {"recipe.toml:6:", "not valid TOML"}},
      {"on_error = drop", {}, {"recipe.toml:6:", "not valid TOML"}},
      {"on_error = \"\\q\"", {}, {"recipe.toml:6:", "not valid TOML"}},
      {"max_refills = 99999999999999999999", {}, {"recipe.toml:6:", "not valid TOML"}},
      {"on_error = \"\xff\"", {}, {"recipe.toml:6:", "not valid TOML"}},
      {"[=]", {}, {"recipe.toml:6:", "not valid TOML"}},
      {"\xc3\xa4 = 1", {}, {"recipe.toml:6:", "not valid TOML"}},
      {"max_refills = 0x-1", {}, {"recipe.toml:6:", "not valid TOML"}},
      // Unknown keys.
      {"[grop]\nsteps = 1", {}, {"recipe.toml:6:2: grop: unknown key; did you mean grpo?"}},
      {"clip_low = 0.1", {}, {"6:1: grpo.clip_low: unknown key", "grpo.objective.clip_low?"}},
      {"temprature = 1", {}, {"grpo.temprature: unknown key"}},
      {"sampling.temprature = 1", {}, {"did you mean grpo.sampling.temperature?"}},
      {"[sft.optimiser]\nlearning_rate = 1", {}, {"sft.optimiser", "did you mean sft.optimizer?"}},
      {"[eval]\nxyzzy = 1", {}, {"eval.xyzzy: unknown key; known here: problems, samples, "}},
      {"\"a\\nb\" = 1", {}, {"grpo.\"a\\nb\": unknown key"}},
      {"[policy.config]\nvocab = 1", {}, {"did you mean policy.config.vocab_size?"}},
      // Types.
      {"group_size = 8.0", {}, {"an integer from 2 to 65536, found 8.0"}},
      {"group_size = \"8\"", {}, {"found the text \"8\""}},
      {"group_size = true", {}, {"found true"}},
      {"group_size = [8]", {}, {"found a list of 1"}},
      {"group_size = {}", {}, {"found a table"}},
      {"group_size = 2026-01-01", {}, {"found a date or time"}},
      {"replay_routing = 1", {}, {"expected true or false, found 1"}},
      {"on_error = 3", {}, {"expected one of \"drop\", \"fail\", found 3"}},
      {"[run.name]", {}, {"recipe.toml:6:"}},
      {"sampling = 3", {}, {"6:12: grpo.sampling: expected a table, found 3"}},
      {"sampling.stop_strings = \"x\"", {}, {"expected a list of texts", "found the text \"x\""}},
      {"sampling.stop_strings = [\"x\", 3]", {}, {"stop_strings.1: expected a text", "found 3"}},
      {" run.stages = [\"eval\"]\n[reward]\nname = \"format\"",
       {},
       {"each under [[reward]], found a table"}},
      {" [data]\ntask = [1]\n", {}, {"2:9: data.task.0: expected a table, found 1"}},
      {"sampling.temperature = \"hot\"", {}, {"a number from 0 to 100, found the text \"hot\""}},
      // Ranges.
      {"group_size = 1", {}, {"an integer from 2 to 65536, found 1"}},
      {"steps_ = 1\nmax_refills = -1",
       {},
       {"steps_", "max_refills: expected an integer from 0 to 1000, found -1"}},
      {"objective.reference_refresh_steps = 3000000000",
       {},
       {"from 0 to 2147483647, found 3000000000"}},
      {"objective.reference_refresh_steps = -1", {}, {"an integer of at least 0, found -1"}},
      {"sampling.temperature = nan", {}, {"found nan"}},
      {"sampling.temperature = inf", {}, {"found inf"}},
      {"sampling.temperature = -0.5", {}, {"a number from 0 to 100, found -0.5"}},
      {"optimizer.learning_rate = 11",
       {},
       {"grpo.optimizer.learning_rate: expected a number from 0 to 10, found 11"}},
      {"on_error = \"fial\"", {}, {"(did you mean \"fail\"?)", "found the text \"fial\""}},
      {"sampling.stop_strings = [\"\"]", {}, {"stop_strings.0: expected a text that is not empty"}},
      {" run.stages = [\"sftt\"]",
       {},
       {"run.stages.0: expected one of \"sft\", \"grpo\", \"eval\" (did you mean \"sft\"?)"}},
      {" run.name = \"\"",
       {},
       {"run.name: expected a text that is not empty, found the text \"\""}},
      // Missing.
      {" [[reward]]\nweight = 1\n",
       {},
       {"recipe.toml:1:", "reward.0.name: missing", "the checker"}},
      {" [[data.task]]\nlevel = 1\n", {}, {"data.task.0.family: missing"}},
      // Contradictions.
      {" run.stages = [\"grpo\"]\ndata.train_file = \"x\"\ngrpo.steps = 1",
       {},
       {"reward: the \"grpo\" stage needs at least one [[reward]]"}},
      {"", {"run.stages=[]"}, {"run.stages: no stage"}},
      {"", {"run.stages=[\"grpo\", \"grpo\"]"}, {"\"grpo\" stands twice"}},
      {"", {"grpo.steps=0"}, {"--set grpo.steps=0: grpo.steps: 0, yet run.stages names \"grpo\""}},
      {"", {"run.stages=[\"sft\", \"grpo\"]"}, {"sft.steps: 0, yet run.stages names \"sft\""}},
      {" run.stages = [\"grpo\"]\ngrpo.steps = 1\nreward = [{name = \"format\"}]",
       {},
       {"data: nothing to train on"}},
      {" run.stages = [\"eval\"]\nreward = [{name = \"format\"}]",
       {},
       {"data: nothing to evaluate on"}},
      {"", {"data.train_file=x"}, {"data.train_file: both a file and [[data.task]]"}},
      {"[eval]\nevery_steps = 5\nproblems = 0",
       {},
       {"7:15: eval.every_steps: ", "eval.problems is 0"}},
      {"", {"run.stages=[\"eval\"]", "eval.problems=0"}, {"eval.problems: 0, yet"}},
      {"objective.reference_refresh_steps = 5", {}, {"set grpo.objective.kl_coef above 0"}},
      {"algorithm = \"dapoo\"",
       {},
       {"6:13: grpo.algorithm: expected one of ", "did you mean \"dapo\"?"}},
      {"objective.dual_clip = 0.5", {}, {"grpo.objective.dual_clip: ", "must be above 1"}},
      {"algorithm = \"sapo\"\nobjective.dual_clip = 3",
       {},
       {"7:23: grpo.objective.dual_clip: bounds a clipped ratio, which sapo has none of"}},
      {"objective.kl_estimator = \"k1\"\nobjective.kl_coef = 0.1",
       {},
       {"grpo.objective.kl_estimator: k1's gradient does not depend on the reference"}},
      {"objective.kl_estimator = \"weighted_k3\"\nobjective.kl_in = \"reward\"",
       {},
       {"grpo.objective.kl_estimator: differs from k3 in its gradient"}},
      {"objective.reference_decay = 0.9",
       {},
       {"grpo.objective.reference_decay: ", "which it never is"}},
      {"objective.entropy_target = 0.9\nobjective.entropy_step = 0",
       {},
       {"grpo.objective.entropy_target: a target that"}},
      {"off_policy.correction = \"tis\"",
       {},
       {"grpo.off_policy.correction: would count the ratio to the sampler twice, as clip"}},
      {"off_policy.geometric_low = 0.9\noff_policy.geometric_high = 0.5",
       {},
       {"grpo.off_policy.geometric_low: above geometric_high"}},
      {"router.bias = \"rollouts\"\nrouter.bias_rate = 0",
       {},
       {"grpo.router.bias_rate: 0 moves no bias"}},
      {"", {"policy.freeze_routers=true", "grpo.router.z_coef=0.1"}, {"keeps routers as they are"}},
      {"pools.by = \"family\"\npools.hard_below = 0.95",
       {},
       {"grpo.pools.hard_below: above easy_above"}},
      {"pools.by = \"prompt\"", {}, {"grpo.pools.by: a generated prompt does not come again"}},
      {"",
       {"policy.lora.head_rank=2", "grpo.optimizer.kind=muon"},
       {"grpo.optimizer.kind: muon is for whole matrices"}},
      {"",
       {"policy.lora.head_rank=2", "policy.freeze_routers=true"},
       {"policy.freeze_routers: adapters leave routers as they are"}},
      {"sampling.temperature = 0",
       {},
       {"6:24: grpo.sampling.temperature: 0 makes all completions of a prompt equal"}},
      {"sampling.top_k = 1", {}, {"grpo.sampling.top_k: 1 makes all"}},
      {"sampling.top_p = 0", {}, {"grpo.sampling.top_p: 0 would keep no token"}},
      {"[eval.sampling]\ntop_p = 0.0", {}, {"eval.sampling.top_p: 0 would keep no token"}},
      {"[policy]\npath = \"x\"\n[policy.config]\nhidden_size = 8",
       {},
       {"recipe.toml:8:", "policy.config: gives a random policy's shape"}},
      {"", {"data.task.0.weight=0"}, {"data.task: all weights are 0"}},
      {"", {"reward.0.weight=0"}, {"reward: all weights are 0"}},
      {"", {"run.name=a/b"}, {"run.name: names the folder"}},
      {"", {"run.name=.."}, {"run.name: names the folder"}},
      // Overrides.
      {"", {"grpo.steps"}, {"--set grpo.steps: expected key=value"}},
      {"", {"=3"}, {"expected a dotted key before '='"}},
      {"", {"grpo..steps=3"}, {"expected a dotted key before '='"}},
      {"",
       {"grpo.steps.x=3"},
       {"grpo.steps: has no entry 'x': the recipe has 1 here, not a table"}},
      {"",
       {"reward.5.weight=3"},
       {"reward: expected the number of a list entry from 0 to 1", "found '5'"}},
      {"",
       {"reward.weight=3"},
       {"reward: expected the number of a list entry from 0 to 1", "found 'weight'"}},
      {"", {"reward.-1.weight=3"}, {"found '-1'"}},
      {"",
       {"grpo.steps=3x"},
       {"--set grpo.steps=3x: grpo.steps: expected an integer of at least 0, found the text "
        "\"3x\""}},
      {"", {"grpo=3"}, {"grpo: expected a table, found 3"}},
      {"", {"grpo={stepz = 1}"}, {"grpo.stepz: unknown key; did you mean grpo.steps?"}},
      {"", {"run.dir=\xff"}, {"run.dir: the value is not UTF-8"}},
      {"", {"run.dir=\"a\\u0000b\""}, {"a text without zero bytes"}},
      {"",
       {"run.stages=grpo"},
       {"expected a list of texts, such as [\"a\", \"b\"], found the text \"grpo\""}},
  };
  return *recipes;
}

TEST(RecipeErrorTest, RefusesEveryMalformedRecipeWithAReason) {
  EXPECT_GE(MalformedRecipes().size(), 45u);
  for (const Malformed& malformed : MalformedRecipes()) {
    const bool alone = !malformed.toml.empty() && malformed.toml[0] == ' ';
    const std::string toml = alone ? malformed.toml.substr(1) : absl::StrCat(kBase, malformed.toml);
    const std::string error = ErrorOf(toml, malformed.overrides);
    for (const std::string& fragment : malformed.fragments) {
      EXPECT_THAT(error, HasSubstr(fragment)) << toml;
    }
  }
}

TEST(RecipeErrorTest, TheBaseOfTheMalformedRecipesIsRight) {
  EXPECT_EQ(ErrorOf(kBase), "no error");
}

TEST(RecipeErrorTest, EndsAfterManyErrors) {
  std::string toml = "[grpo]\n";
  for (int i = 0; i < 500; ++i) absl::StrAppend(&toml, "unknown_", i, " = 1\n");
  EXPECT_THAT(ErrorOf(toml), HasSubstr("\nand 45"));
}

TEST(RecipeErrorTest, NamesAMissingFile) {
  const absl::StatusOr<Recipe> recipe = LoadRecipe("/nowhere/recipe.toml", {});
  ASSERT_FALSE(recipe.ok());
  EXPECT_THAT(std::string(recipe.status().message()), HasSubstr("/nowhere/recipe.toml"));
}

TEST(RecipeTest, TakesSuitesInThePlaceOfHeldOutProblems) {
  const std::string toml = R"(
run.stages = ["eval"]
[eval]
problems = 0
[[eval.suite]]
name = "gsm8k"
data = "suites"
problems = 200
set = ["samples=4", "sampling.temperature=0.6"]
)";
  const auto recipe = ParseRecipe(toml, "recipe.toml", {});
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  ASSERT_EQ(recipe->eval.suite.size(), 1u);
  EXPECT_EQ(recipe->eval.suite[0].problems, 200);
  const auto again = ParseRecipe(ResolvedRecipe(*recipe), "resolved.toml", {});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_THAT(again->eval.suite[0].set, ElementsAre("samples=4", "sampling.temperature=0.6"));
  EXPECT_FALSE(ParseRecipe(toml, "recipe.toml", {"eval.suite=[]"}).ok());
  EXPECT_FALSE(ParseRecipe(toml, "recipe.toml", {"data.eval_file=x"}).ok());  // without a reward
}

TEST(RecipeTest, ReadsEveryRecipeOfTheProject) {
  const std::string folder = GRPO_SOURCE_DIR "/recipes";
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(folder);
  ASSERT_TRUE(names.ok()) << names.status();
  for (const std::string& name : *names) {
    if (!absl::EndsWith(name, ".toml")) continue;
    const absl::StatusOr<Recipe> recipe = LoadRecipe(absl::StrCat(folder, "/", name), {});
    EXPECT_TRUE(recipe.ok()) << recipe.status();
  }
}

TEST(RecipeRobustnessTest, NoPrefixOfARecipeCrashes) {
  const std::string recipe = kRecipe;
  for (size_t size = 0; size < recipe.size(); ++size) {
    const absl::StatusOr<Recipe> result = ParseRecipe(recipe.substr(0, size), "prefix", {});
    if (!result.ok()) {
      EXPECT_THAT(std::string(result.status().message()), HasSubstr("prefix"));
    }
  }
}

TEST(RecipeRobustnessTest, NoCorruptedByteCrashes) {
  const std::string recipe = kRecipe;
  const char replacements[] = {'\0', '\n', '"',  '[',    ']',    '{',   '=',
                               '.',  '\'', '\\', '\x7f', '\xc3', '\xff'};
  for (size_t i = 0; i < recipe.size(); ++i) {
    for (char replacement : replacements) {
      std::string corrupted = recipe;
      corrupted[i] = replacement;
      const absl::StatusOr<Recipe> result = ParseRecipe(corrupted, "corrupted", {});
      if (result.ok()) {
        EXPECT_TRUE(ParseRecipe(ResolvedRecipe(*result), "again", {}).ok());
      }
    }
  }
}

TEST(RecipeRobustnessTest, DeepNestingEndsWithAnError) {
  const std::string deep(100000, '[');
  EXPECT_THAT(ErrorOf("x = " + deep), HasSubstr("recipe.toml:1:"));
  EXPECT_THAT(ErrorOf(kBase, {"run.stages=" + deep}), HasSubstr("expected a list of texts"));
}

// What the reward's checker says of a completion.
double ScoreOf(const RewardSpec& spec, const std::string& answer, const std::string& completion) {
  const auto reward = MakeReward(spec);
  EXPECT_TRUE(reward.ok()) << reward.status();
  Prompt prompt;
  prompt.answer = answer;
  return (*reward)->Score({prompt, completion, 0, 0, FinishReason::kStop}, Deadline::Never()).score;
}

TEST(RewardEntryTest, ReadsTheOptionsOfTheNamedChecker) {
  const absl::StatusOr<Recipe> recipe = ParseRecipe(
      absl::StrCat("run.stages = [\"grpo\"]\ndata.task = [{family = \"addition\"}]\n",
                   "grpo.steps = 1\n[[reward]]\ntolerance = 0.1\nfamilies = [\"a\", \"b\"]\n",
                   "name = \"final_answer\"\n[[reward]]\nname = \"format\"\ngate = true\n",
                   "label = \"shape\"\n"),
      "recipe.toml", {"reward.1.answer_tag=result", "reward.2={name = \"length\", penalty = 2}"});
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  EXPECT_EQ(ScoreOf(recipe->reward[0], "100", "<answer>105</answer>"), 1);
  EXPECT_EQ(ScoreOf(recipe->reward[0], "100", "<answer>120</answer>"), 0);
  EXPECT_THAT(recipe->reward[0].families, ElementsAre("a", "b"));
  EXPECT_TRUE(recipe->reward[1].gate);
  EXPECT_EQ(recipe->reward[1].label, "shape");
  EXPECT_EQ(ScoreOf(recipe->reward[1], "", "<think>a</think><result>b</result>"), 1);
  const std::string printed = ResolvedRecipe(*recipe);
  EXPECT_THAT(printed, HasSubstr("\ntolerance = 0.1 "));
  EXPECT_THAT(printed, HasSubstr("\nanswer_tag = \"result\" "));
  EXPECT_THAT(printed, HasSubstr("\npenalty = 2"));
  EXPECT_THAT(printed, HasSubstr("# relative tolerance of numbers; 0 is exact (0 to 1)\n"));
  EXPECT_THAT(printed, Not(HasSubstr("ngram")));  // of a checker that the recipe does not name
  const absl::StatusOr<Recipe> again = ParseRecipe(printed, "resolved", {});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(ResolvedRecipe(*again), printed);
  EXPECT_EQ(ScoreOf(again->reward[0], "100", "<answer>105</answer>"), 1);
}

TEST(RewardEntryTest, RefusesWhatIsNotAnOptionOfTheNamedChecker) {
  const auto error = [](const std::string& entry) {
    return ErrorOf(
        "run.stages = [\"grpo\"]\ndata.task = [{family = \"addition\"}]\ngrpo.steps = 1\n"
        "[[reward]]\n" +
        entry);
  };
  EXPECT_EQ(error("name = \"final_answer\"\ntolernce = 1"),
            "recipe.toml:6:1: reward.0.tolernce: unknown key; did you mean reward.0.tolerance?");
  // Another checker's option, and how its own are called.
  EXPECT_THAT(error("name = \"format\"\ntolerance = 0.1"),
              HasSubstr("recipe.toml:6:1: reward.0.tolerance: unknown key; "));
  EXPECT_EQ(error("name = \"final_answer\"\ntolerance = 2"),
            "recipe.toml:6:13: reward.0.tolerance: expected a number from 0 to 1, found 2");
  // One error where the name is wrong: the options are somebody's.
  EXPECT_THAT(error("name = \"final_anser\"\ntolerance = 0.1\nngram = 3"),
              testing::MatchesRegex("recipe.toml:5:8: reward.0.name: expected one of .* \\(did you "
                                    "mean \"final_answer\"\\?\\), found the text "
                                    "\"final_anser\""));
  EXPECT_THAT(error("name = \"format\"\ngate = true"), HasSubstr("reward: every entry is a gate"));
  EXPECT_THAT(
      error("name = \"format\"\n[[reward]]\nname = \"length\"\ngate = true\nweight = 2"),
      HasSubstr("recipe.toml:9:10: reward.1.weight: a gate is not added and has no weight"));
  EXPECT_THAT(ErrorOf(kBase, {"scorer.combine=first", "scorer.normalize=true"}),
              HasSubstr("scorer.normalize: normalises the terms of a sum"));
  EXPECT_THAT(ErrorOf(kBase, {"scorer.combine=product"}),
              HasSubstr("expected one of \"sum\", \"minimum\", \"first\""));
}

TEST(RewardEntryTest, ListsEveryCheckerWithItsOptions) {
  const std::string listing = RewardListing();
  for (const std::string& name : RewardNames()) {
    EXPECT_THAT(listing, HasSubstr("\nname = \"" + name));
  }
  EXPECT_THAT(listing, HasSubstr("\nngram = 4 "));
  EXPECT_THAT(listing, HasSubstr("\nfamilies = [] "));
}

ScoringConfig Scoring(const std::vector<std::string>& rewards,
                      const std::vector<std::string>& overrides = {}) {
  const absl::StatusOr<ScoringConfig> config = ParseScoring(rewards, overrides);
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? *config : ScoringConfig();
}

TEST(ScoringTest, ReadsNamesWithOptions) {
  const ScoringConfig config =
      Scoring({"final_answer, tolerance=0.01,answer_tag=a", "format,weight=0.5"},
              {"scorer.threads=3", "scorer.combine=first"});
  ASSERT_EQ(config.reward.size(), 2u);
  EXPECT_EQ(config.reward[0].name, "final_answer");
  EXPECT_EQ(ScoreOf(config.reward[0], "1000", "<a>1001</a>"), 1);
  EXPECT_EQ(config.reward[1].weight, 0.5);
  EXPECT_EQ(config.scorer.threads, 3);
  EXPECT_EQ(config.scorer.combine, "first");
}

TEST(ScoringTest, ReadsTheOptionsOfOneRewardFromOverrides) {
  const ScoringConfig config =
      Scoring({"final_answer,tolerance=0.5"}, {"answer_tag=a", "tolerance=0.01"});
  EXPECT_EQ(ScoreOf(config.reward[0], "1000", "<a>1001</a>"), 1);
  EXPECT_EQ(ScoreOf(config.reward[0], "1000", "<a>1100</a>"), 0);
}

TEST(ScoringTest, RefusesWhatIsNotAnOption) {
  const auto error = [](const std::string& text, const std::vector<std::string>& overrides = {}) {
    return std::string(ParseScoring({text}, overrides).status().message());
  };
  EXPECT_EQ(error("final_answer,tolernce=0.1"),
            "--reward final_answer,tolernce=0.1: tolernce: unknown key; did you mean tolerance?");
  EXPECT_EQ(error("final_answer", {"tolernce=0.1"}),
            "--set tolernce=0.1: tolernce: unknown key; did you mean tolerance?");
  EXPECT_THAT(error("final_answer,tolerance=2"), HasSubstr("a number from 0 to 1, found 2"));
  EXPECT_THAT(error("final_answer,x"), HasSubstr("expected NAME,key=value"));
  EXPECT_THAT(error("format,weight=1,weight=2"), HasSubstr("weight: stands twice"));
  EXPECT_THAT(error(""), HasSubstr("name: expected one of \"final_answer\""));
  EXPECT_THAT(error("format", {"scorer.thread=1"}), HasSubstr("did you mean scorer.threads?"));
  EXPECT_THAT(std::string(ParseScoring({"format", "length"}, {"penalty=1"}).status().message()),
              HasSubstr("--set penalty=1: which reward is meant?"));
}

}  // namespace
}  // namespace grpo
