#include "rl/summary.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "rl/evaluation.h"
#include "rl/table.h"

namespace grpo {
namespace {

// The evaluation of that name; null where there is none.
const SuiteResult* Find(const std::vector<SuiteResult>& results, const std::string& name) {
  for (const SuiteResult& result : results) {
    if (result.suite == name) return &result;
  }
  return nullptr;
}

// An evaluation before and after, each null where it was not.
struct BeforeAndAfter {
  const SuiteResult* before = nullptr;
  const SuiteResult* after = nullptr;
  const SuiteResult* any() const { return after != nullptr ? after : before; }
};

// Of each evaluation that there was, in their order.
std::vector<BeforeAndAfter> ResultsOf(const TrainState& state) {
  std::vector<BeforeAndAfter> results;
  for (const SuiteResult& result : state.after.empty() ? state.before : state.after) {
    results.push_back({Find(state.before, result.suite), Find(state.after, result.suite)});
  }
  return results;
}

bool IsOfHeldOut(const BeforeAndAfter& results) { return results.any()->suite == kHeldOutName; }

std::string MeanOf(const SuiteResult& result) { return absl::StrCat("mean@", result.samples); }

nlohmann::ordered_json PassRates(const SuiteResult* evaluation) {
  if (evaluation == nullptr) return nullptr;
  nlohmann::ordered_json families;
  for (const std::string& family : evaluation->Families())
    families[family] = evaluation->PassRate(family);
  return {{"overall", evaluation->PassRate()},
          {"families", families},
          {"problems", evaluation->problems.size()},
          {"mean_tokens", evaluation->MeanTokens()},
          {"truncated", evaluation->TruncatedShare()}};
}

PassRateChange Change(const BeforeAndAfter& results, const std::string& family,
                      const std::string& label) {
  PassRateChange change;
  change.label = label;
  if (results.before != nullptr) change.before = results.before->PassRate(family);
  if (results.after != nullptr) change.after = results.after->PassRate(family);
  if (results.before != nullptr && results.after != nullptr) {
    const Interval interval = ChangeInterval(*results.before, *results.after, family);
    change.change_low = interval.low;
    change.change_high = interval.high;
  }
  return change;
}

std::string HeldOutText(const BeforeAndAfter& results) {
  std::vector<PassRateChange> changes;
  for (const std::string& family : results.any()->Families()) {
    if (!family.empty()) changes.push_back(Change(results, family, family));
  }
  changes.push_back(Change(results, "", "all"));
  return absl::StrCat("\nPass rates on held-out problems (", MeanOf(*results.any()), ")\n\n",
                      FormatPassRateChanges("family", changes));
}

std::string PassRatesText(const TrainState& state) {
  std::string text;
  std::vector<PassRateChange> suites;
  for (const BeforeAndAfter& results : ResultsOf(state)) {
    const SuiteResult& result = *results.any();
    if (IsOfHeldOut(results)) {
      text += HeldOutText(results);
    } else {
      suites.push_back(Change(results, "", absl::StrCat(result.suite, " (", MeanOf(result), ")")));
    }
  }
  if (suites.empty()) return text;
  return absl::StrCat(text, "\nPass rates on suites\n\n", FormatPassRateChanges("suite", suites));
}

std::string Traces(const TrainState& state) {
  if (state.after.empty()) return "";
  std::string text;
  const auto& examples = state.after.front().examples;
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
  nlohmann::ordered_json summary, suites;
  summary["run"] = recipe.run.name;
  summary["seed"] = recipe.run.seed;
  summary["metric"] = absl::StrCat("mean@", recipe.eval.samples);
  summary["before"] = nullptr;
  summary["after"] = nullptr;
  for (const BeforeAndAfter& results : ResultsOf(trainer.state())) {
    const nlohmann::ordered_json before = PassRates(results.before);
    const nlohmann::ordered_json after = PassRates(results.after);
    if (IsOfHeldOut(results)) {
      summary["before"] = before;
      summary["after"] = after;
    } else {
      suites[results.any()->suite] = {
          {"metric", MeanOf(*results.any())}, {"before", before}, {"after", after}};
    }
  }
  if (!suites.empty()) summary["suites"] = suites;
  nlohmann::ordered_json seconds;
  for (const auto& [phase, sum] : trainer.seconds()) seconds[phase] = sum;
  seconds["total"] = total_seconds;
  summary["seconds"] = seconds;
  summary["weights_digest"] = weights_digest;
  return summary;
}

std::string SummaryText(const Recipe& recipe, const Trainer& trainer, double total_seconds) {
  std::string text = PassRatesText(trainer.state()) + Traces(trainer.state());
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
