#include "rl/summary.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "rl/table.h"

namespace grpo {
namespace {

nlohmann::ordered_json PassRates(const std::optional<SuiteResult>& evaluation) {
  if (!evaluation.has_value()) return nullptr;
  nlohmann::ordered_json families;
  for (const std::string& family : evaluation->Families())
    families[family] = evaluation->PassRate(family);
  return {{"overall", evaluation->PassRate()},
          {"families", families},
          {"problems", evaluation->problems.size()},
          {"mean_tokens", evaluation->MeanTokens()},
          {"truncated", evaluation->TruncatedShare()}};
}

FamilyChange Change(const Trainer& trainer, const std::string& family) {
  const TrainState& state = trainer.state();
  FamilyChange change;
  change.family = family.empty() ? "all" : family;
  if (state.before.has_value()) change.before = state.before->PassRate(family);
  if (state.after.has_value()) change.after = state.after->PassRate(family);
  if (state.before.has_value() && state.after.has_value()) {
    const Interval interval = ChangeInterval(*state.before, *state.after, family);
    change.change_low = interval.low;
    change.change_high = interval.high;
  }
  return change;
}

std::string PassRateTable(const Trainer& trainer) {
  const TrainState& state = trainer.state();
  if (!state.before.has_value() && !state.after.has_value()) return "";
  const SuiteResult& evaluation = state.after.has_value() ? *state.after : *state.before;
  std::vector<FamilyChange> changes;
  for (const std::string& family : evaluation.Families())
    changes.push_back(Change(trainer, family));
  changes.push_back(Change(trainer, ""));
  return FormatFamilyChanges(changes);
}

std::string Traces(const Trainer& trainer) {
  if (!trainer.state().after.has_value()) return "";
  std::string text;
  const auto& examples = trainer.state().after->examples;
  for (size_t i = 0; i < std::min<size_t>(2, examples.size()); ++i) {
    const nlohmann::ordered_json& example = examples[i * (examples.size() - 1)];
    absl::StrAppend(&text, "\n", example.value("prompt", ""), "\n  ",
                    example.value("completion", ""), "\n  ",
                    example.value("correct", false) ? "right" : "wrong", "\n");
  }
  return text;
}

}  // namespace

nlohmann::ordered_json SummaryJson(const Recipe& recipe, const Trainer& trainer,
                                   const std::string& weights_digest, double total_seconds) {
  nlohmann::ordered_json summary;
  summary["run"] = recipe.run.name;
  summary["seed"] = recipe.run.seed;
  summary["metric"] = absl::StrCat("mean@", recipe.eval.samples);
  summary["before"] = PassRates(trainer.state().before);
  summary["after"] = PassRates(trainer.state().after);
  nlohmann::ordered_json seconds;
  for (const auto& [phase, sum] : trainer.seconds()) seconds[phase] = sum;
  seconds["total"] = total_seconds;
  summary["seconds"] = seconds;
  summary["weights_digest"] = weights_digest;
  return summary;
}

std::string SummaryText(const Recipe& recipe, const Trainer& trainer, double total_seconds) {
  std::string text =
      absl::StrFormat("\nPass rates on held-out problems (mean@%d)\n\n", recipe.eval.samples);
  absl::StrAppend(&text, PassRateTable(trainer), Traces(trainer));
  absl::StrAppendFormat(&text, "\nDone in %.0f s. In %s:\n", total_seconds, recipe.run.dir);
  absl::StrAppend(
      &text, "  checkpoints/step-", trainer.state().total_steps,
      "  the policy, a Hugging Face folder\n",
      "  summary.json, metrics.jsonl, events.out.tfevents.* (TensorBoard), samples/\n",
      "  evals/step-N/page.html  the held-out problems with all completions and verdicts\n\n",
      "Next:\n  grpo sample --policy ", recipe.run.dir, "/checkpoints/step-",
      trainer.state().total_steps,
      "   talk to it\n  --set data.task.0.level=2      harder problems of the first family\n",
      "  recipes/README.md              your own data and rewards\n");
  return text;
}

}  // namespace grpo
