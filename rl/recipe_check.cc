#include "rl/recipe_check.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace grpo {
namespace {

class Checker {
 public:
  Checker(const Recipe& recipe, const RecipeNode& tree, RecipeErrors& errors)
      : recipe_(recipe), tree_(tree), errors_(errors) {}

  void CheckRun() {
    const std::vector<std::string>& stages = recipe_.run.stages;
    Refuse(stages.empty(), {"run.stages"},
           "no stage, so that nothing would run; name at least one");
    for (const std::string& stage : std::set<std::string>(stages.begin(), stages.end())) {
      Refuse(std::count(stages.begin(), stages.end(), stage) > 1, {"run.stages"},
             absl::StrCat("\"", stage, "\" stands twice; a stage runs once"));
    }
    const std::string& name = recipe_.run.name;
    Refuse(recipe_.run.dir.empty() &&
               (name == "." || name == ".." || name.find('/') != std::string::npos),
           {"run.name", "run.dir"},
           "names the folder runs/<name>, so that it must be a plain file name; or set run.dir");
  }

  void CheckPolicy() {
    Refuse(!recipe_.policy.path.empty() && IsGiven("policy.config"),
           {"policy.config", "policy.path"},
           "gives a random policy's shape, yet policy.path names a policy that has its own "
           "config.json; drop one of the two");
  }

  void CheckData() {
    const DataConfig& data = recipe_.data;
    const bool has_tasks = !data.task.empty();
    Refuse(!data.train_file.empty() && has_tasks, {"data.train_file", "data.task"},
           "both a file and [[data.task]] to train on; keep one of the two");
    Refuse((Runs("sft") || Runs("grpo")) && data.train_file.empty() && !has_tasks,
           {"data", "run.stages"},
           "nothing to train on; set data.train_file or add a [[data.task]]");
    Refuse((Runs("eval") || EvaluatesBetween()) && !HasHeldOut() && recipe_.eval.suite.empty(),
           {"data", "run.stages"},
           "nothing to evaluate on; set data.eval_file or add a [[data.task]] or an "
           "[[eval.suite]]");
    Refuse(has_tasks && std::all_of(data.task.begin(), data.task.end(),
                                    [](const TaskConfig& task) { return task.weight == 0; }),
           {"data.task"}, "all weights are 0, so that no family would ever be drawn");
  }

  void CheckSft() {
    Refuse(Runs("sft") && recipe_.sft.steps == 0, {"sft.steps", "run.stages"},
           "0, yet run.stages names \"sft\"; set sft.steps or drop the stage");
  }

  void CheckGrpo() {
    const GrpoConfig& grpo = recipe_.grpo;
    Refuse(Runs("grpo") && grpo.steps == 0, {"grpo.steps", "run.stages"},
           "0, yet run.stages names \"grpo\"; set grpo.steps or drop the stage");
    Refuse(Runs("grpo") && grpo.sampling.temperature == 0, {"grpo.sampling.temperature"},
           "0 makes all completions of a prompt equal, so that no group has a signal");
    Refuse(Runs("grpo") && grpo.sampling.top_k == 1, {"grpo.sampling.top_k"},
           "1 makes all completions of a prompt equal, so that no group has a signal");
    const absl::Status trainable = CheckForTraining(grpo.sampling);
    Refuse(Runs("grpo") && !trainable.ok(), {"grpo.sampling"}, std::string(trainable.message()));
    CheckObjective(grpo.objective);
    CheckOffPolicy(grpo.off_policy, grpo.objective.policy_loss);
    Refuse(grpo.objective.reference_refresh_steps > 0 && grpo.objective.kl_coef == 0,
           {"grpo.objective.reference_refresh_steps", "grpo.objective.kl_coef"},
           "refreshes a reference that nothing uses; set grpo.objective.kl_coef above 0");
  }

  void CheckRouter() {
    const RouterConfig& router = recipe_.grpo.router;
    Refuse(router.bias != "freeze" && router.bias_rate == 0,
           {"grpo.router.bias_rate", "grpo.router.bias"},
           "0 moves no bias; set it above 0, or grpo.router.bias = \"freeze\"");
    Refuse(router.has_loss() && recipe_.policy.freeze_routers,
           {"policy.freeze_routers", "grpo.router"},
           "keeps routers as they are, yet grpo.router has a loss that only they could lower; drop "
           "one of the two");
  }

  void CheckPools() {
    const PoolsConfig& pools = recipe_.grpo.pools;
    Refuse(pools.by != "off" && pools.hard_below > pools.easy_above,
           {"grpo.pools.hard_below", "grpo.pools.easy_above"},
           "above easy_above, so that prompts would be both hard and easy");
    Refuse(pools.by == "prompt" && !recipe_.data.task.empty(), {"grpo.pools.by", "data.task"},
           "a generated prompt does not come again, so that nothing is known of it; take "
           "\"family\"");
  }

  void CheckAdapters() {
    const bool enabled = recipe_.policy.lora.enabled();
    for (const auto& [path, optimizer] :
         {std::make_pair("sft.optimizer.kind", &recipe_.sft.optimizer),
          std::make_pair("grpo.optimizer.kind", &recipe_.grpo.optimizer)}) {
      Refuse(
          enabled && optimizer->kind == "muon", {path, "policy.lora"},
          "muon is for whole matrices, none of which is trained beside adapters; take \"adamw\"");
    }
    Refuse(enabled && recipe_.policy.freeze_routers, {"policy.freeze_routers", "policy.lora"},
           "adapters leave routers as they are anyway; drop it");
  }

  // Combinations of which no published algorithm is made, because they say nothing or contradict
  // one another.
  void CheckObjective(const ObjectiveConfig& objective) {
    const bool clips = objective.policy_loss == "clip" || objective.policy_loss == "gspo";
    Refuse(objective.dual_clip > 0 && objective.dual_clip <= 1, {"grpo.objective.dual_clip"},
           "would stop tokens whose ratio has not even risen; it must be above 1, or 0 for off");
    Refuse(objective.dual_clip > 0 && !clips,
           {"grpo.objective.dual_clip", "grpo.objective.policy_loss"},
           absl::StrCat("bounds a clipped ratio, which ", objective.policy_loss,
                        " has none of; drop it"));
    Refuse(objective.kl_coef > 0 && objective.kl_in == "loss" && objective.kl_estimator == "k1",
           {"grpo.objective.kl_estimator", "grpo.objective.kl_in"},
           "k1's gradient does not depend on the reference; take k2, k3 or weighted_k3, or kl_in = "
           "\"reward\"");
    Refuse(objective.kl_in == "reward" && (objective.kl_estimator == "k3_k2_gradient" ||
                                           objective.kl_estimator == "weighted_k3"),
           {"grpo.objective.kl_estimator", "grpo.objective.kl_in"},
           "differs from k3 in its gradient, and a reward has none; take k1, k2 or k3");
    Refuse(objective.reference_decay > 0 && objective.reference_refresh_steps == 0,
           {"grpo.objective.reference_decay", "grpo.objective.reference_refresh_steps"},
           "how much of the reference stays when it is refreshed, which it never is; set "
           "grpo.objective.reference_refresh_steps");
    Refuse(objective.entropy_target > 0 && objective.entropy_step == 0,
           {"grpo.objective.entropy_target", "grpo.objective.entropy_step"},
           "a target that the bonus' weight never moves towards; set grpo.objective.entropy_step");
  }

  void CheckOffPolicy(const OffPolicyConfig& off_policy, const std::string& policy_loss) {
    Refuse(off_policy.correction != "none" && !off_policy.recompute_old &&
               policy_loss != "policy_gradient",
           {"grpo.off_policy.correction", "grpo.off_policy.recompute_old",
            "grpo.objective.policy_loss"},
           absl::StrCat("would count the ratio to the sampler twice, as ", policy_loss,
                        " has it already; set grpo.off_policy.recompute_old = true"));
    Refuse(off_policy.geometric_low > 0 && off_policy.geometric_high > 0 &&
               off_policy.geometric_low > off_policy.geometric_high,
           {"grpo.off_policy.geometric_low", "grpo.off_policy.geometric_high"},
           "above geometric_high, so that no sequence would count");
  }

  void CheckRewards() {
    const std::vector<RewardSpec>& rewards = recipe_.reward;
    Refuse((Runs("grpo") || (Runs("eval") && HasHeldOut())) && rewards.empty(),
           {"reward", "run.stages"},
           absl::StrCat("the \"", Runs("grpo") ? "grpo" : "eval",
                        "\" stage needs at least one [[reward]]"));
    const auto all = [&](const auto& holds) {
      return !rewards.empty() && std::all_of(rewards.begin(), rewards.end(), holds);
    };
    const bool only_gates = all([](const RewardSpec& spec) { return spec.gate; });
    Refuse(only_gates, {"reward"},
           "every entry is a gate, which scales what others earn; add one that is none");
    Refuse(!only_gates && all([](const RewardSpec& spec) { return spec.gate || spec.weight == 0; }),
           {"reward"}, "all weights are 0, so that every completion would earn the same");
    for (size_t i = 0; i < rewards.size(); ++i) {
      Refuse(rewards[i].gate && rewards[i].weight != 1,
             {absl::StrCat("reward.", i, ".weight"), absl::StrCat("reward.", i, ".gate")},
             "a gate is not added and has no weight; drop one of the two");
    }
    Refuse(recipe_.scorer.normalize && recipe_.scorer.combine != "sum",
           {"scorer.normalize", "scorer.combine"},
           "normalises the terms of a sum, yet scorer.combine is no sum; drop one of the two");
  }

  void CheckEval() {
    for (const char* section : {"grpo", "eval"}) {
      const SamplingConfig& sampling =
          section == std::string("grpo") ? recipe_.grpo.sampling : recipe_.eval.sampling;
      Refuse(sampling.top_p == 0, {absl::StrCat(section, ".sampling.top_p")},
             "0 would keep no token at all; 1 is off, and top_k = 1 keeps the best token alone");
    }
    const bool evaluates_nothing = recipe_.eval.problems == 0 && recipe_.eval.suite.empty();
    Refuse(Runs("eval") && evaluates_nothing, {"eval.problems", "run.stages"},
           "0, yet run.stages names \"eval\"; set eval.problems or drop the stage");
    Refuse(EvaluatesBetween() && !Runs("eval") && evaluates_nothing,
           {"eval.every_steps", "eval.problems"},
           "asks for evaluations in between, yet eval.problems is 0");
  }

  // Reported together, so that one contradiction does not silence another about the same key.
  void Report() {
    for (const Contradiction& contradiction : pending_) {
      errors_.Add(PositionOf(tree_, contradiction.path), contradiction.path, contradiction.reason);
    }
  }

 private:
  bool Runs(const std::string& stage) const {
    const std::vector<std::string>& stages = recipe_.run.stages;
    return std::find(stages.begin(), stages.end(), stage) != stages.end();
  }

  bool EvaluatesBetween() const { return Runs("grpo") && recipe_.eval.every_steps > 0; }

  // Problems may still be none of them.
  bool HasHeldOut() const { return !recipe_.data.eval_file.empty() || !recipe_.data.task.empty(); }

  bool IsGiven(absl::string_view path) const {
    const RecipeNode* policy = tree_.Find("policy");
    return policy != nullptr && policy->Find(path.substr(path.find('.') + 1)) != nullptr;
  }

  // An error at the first of the paths it rests on; none where one of them is wrong already.
  void Refuse(bool contradicts, const std::vector<std::string>& paths, const std::string& reason) {
    if (!contradicts) return;
    for (const std::string& path : paths) {
      if (errors_.Touches(path)) return;
    }
    pending_.push_back({paths[0], reason});
  }

  struct Contradiction {
    std::string path;
    std::string reason;
  };

  const Recipe& recipe_;
  const RecipeNode& tree_;
  RecipeErrors& errors_;
  std::vector<Contradiction> pending_;
};

}  // namespace

void CheckRecipe(const Recipe& recipe, const RecipeNode& tree, RecipeErrors& errors) {
  Checker checker(recipe, tree, errors);
  checker.CheckRun();
  checker.CheckPolicy();
  checker.CheckData();
  checker.CheckSft();
  checker.CheckGrpo();
  checker.CheckRouter();
  checker.CheckAdapters();
  checker.CheckPools();
  checker.CheckRewards();
  checker.CheckEval();
  checker.Report();
}

}  // namespace grpo
