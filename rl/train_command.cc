#include "rl/train_command.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include <unistd.h>

#include "data/file.h"
#include "data/status_macros.h"
#include "rl/checkpoint.h"
#include "rl/dry_run.h"
#include "rl/recipe.h"
#include "rl/run_folder.h"
#include "rl/run_parts.h"
#include "rl/summary.h"
#include "rl/trainer.h"

namespace grpo {
namespace {

absl::Status WriteSummary(const Recipe& recipe, const Trainer& trainer, const Weights& weights,
                          double seconds) {
  const nlohmann::ordered_json summary = SummaryJson(recipe, trainer, weights.Digest(), seconds);
  RETURN_IF_ERROR(WriteFileAtomically(recipe.run.dir + "/summary.json", summary.dump(2) + "\n"));
  std::fputs(SummaryText(recipe, trainer, seconds).c_str(), stdout);
  return absl::OkStatus();
}

absl::Status TellHowToResume(const CommandLine& command, const Recipe& recipe) {
  std::string overrides;
  for (const std::string& set : command.overrides)
    absl::StrAppend(&overrides, " --set '", set, "'");
  return absl::CancelledError(absl::StrCat("interrupted; the run stands in ", recipe.run.dir,
                                           ". Go on with: grpo train ", command.recipe, overrides,
                                           " --resume"));
}

}  // namespace

absl::Status RunTrain(const CommandLine& command, const std::atomic<bool>& interrupted) {
  ASSIGN_OR_RETURN(const Recipe recipe, LoadRecipe(command.recipe, command.overrides));
  if (recipe.run.device != "cpu") {
    return absl::UnimplementedError(
        absl::StrCat(command.recipe, ": run.device = \"", recipe.run.device,
                     "\": training on a GPU is not there yet; use \"cpu\""));
  }
  if (command.dry_run) return PrintDryRun(recipe);
  const absl::Time start = absl::Now();
  ASSIGN_OR_RETURN(const std::string checkpoint, PrepareRunFolder(recipe, command.resume));
  // A checkpoint has adapters merged: their run goes on from the weights that it began with.
  ASSIGN_OR_RETURN(RunParts parts,
                   BuildRunParts(recipe, recipe.policy.lora.enabled() ? "" : checkpoint));
  RETURN_IF_ERROR(
      WriteFileAtomically(recipe.run.dir + "/recipe.resolved.toml", ResolvedRecipe(recipe)));

  absl::optional<RecorderPosition> position;
  if (!checkpoint.empty()) {
    ASSIGN_OR_RETURN(const nlohmann::ordered_json state, ReadCheckpointState(checkpoint));
    ASSIGN_OR_RETURN(position,
                     RecorderPositionFromJson(state.value("recorder", nlohmann::ordered_json()),
                                              checkpoint + "/state.json"));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Recorder> recorder,
                   Recorder::Open(recipe.run.dir, position));
  Progress progress(stdout, isatty(fileno(stdout)) == 1);
  progress.Note(absl::StrFormat("%s: %.2f M parameters, vocabulary %d, seed %d, %d threads -> %s",
                                recipe.run.name, parts.weights.CountParameters() * 1e-6,
                                parts.weights.config.vocab_size, recipe.run.seed,
                                recipe.run.threads, recipe.run.dir));
  if (parts.weights.adapters.enabled()) {
    progress.Note(absl::StrFormat("training adapters of %d parameters beside them",
                                  CountElements(parts.weights.AdapterParameters())));
  }
  for (const Evaluation& evaluation : parts.evaluations) {
    for (const std::string& note : evaluation.suite.notes) progress.Note(note);
  }
  Trainer trainer(recipe, parts, *recorder, progress, interrupted);
  if (!checkpoint.empty()) {
    RETURN_IF_ERROR(trainer.Restore(checkpoint));
    progress.Note(absl::StrCat("resuming from ", checkpoint));
  }
  const absl::Status status = trainer.Run();
  if (absl::IsCancelled(status)) {
    RETURN_IF_ERROR(trainer.SaveCheckpoint());
    return TellHowToResume(command, recipe);
  }
  RETURN_IF_ERROR(status);
  return WriteSummary(recipe, trainer, parts.weights, absl::ToDoubleSeconds(absl::Now() - start));
}

}  // namespace grpo
