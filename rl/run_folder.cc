#include "rl/run_folder.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "data/file.h"
#include "data/status_macros.h"
#include "rl/checkpoint.h"

namespace grpo {
namespace {

// The recipe's text without what may differ in a resumed run: it decides no result, or only how
// sums are rounded.
std::string DecidingText(Recipe recipe) {
  recipe.run.dir.clear();
  recipe.run.threads = 1;
  recipe.scorer.threads = 1;
  recipe.checkpoint = CheckpointConfig();
  recipe.grpo.micro_batch_tokens = GrpoConfig().micro_batch_tokens;
  recipe.grpo.share_prompts = true;
  recipe.grpo.recomputed_layers = 0;
  return ResolvedRecipe(recipe);
}

// The first line in which two texts differ, as "found" against "expected".
std::string FirstDifference(const std::string& was, const std::string& is) {
  const std::vector<std::string> old_lines = absl::StrSplit(was, '\n'),
                                 new_lines = absl::StrSplit(is, '\n');
  for (size_t i = 0; i < std::max(old_lines.size(), new_lines.size()); ++i) {
    const std::string before = i < old_lines.size() ? old_lines[i] : "",
                      now = i < new_lines.size() ? new_lines[i] : "";
    if (before != now)
      return absl::StrCat("it was started with\n  ", before, "\nand the recipe now says\n  ", now);
  }
  return "";
}

// Removes what a killed run left half-written: files and checkpoints that never got their final
// names.
absl::Status RemoveLeftovers(const std::string& run_dir) {
  for (const std::string& folder : {run_dir, run_dir + "/samples", run_dir + "/checkpoints"}) {
    if (!DirectoryExists(folder)) continue;
    ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(folder));
    for (const std::string& name : names) {
      const bool unfinished =
          absl::StrContains(name, ".tmp.") || absl::StartsWith(name, ".unfinished-");
      if (unfinished) RETURN_IF_ERROR(RemoveTree(absl::StrCat(folder, "/", name)));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> PrepareRunFolder(const Recipe& recipe, bool resume) {
  const std::string& folder = recipe.run.dir;
  const std::string started_with = folder + "/recipe.resolved.toml";
  const bool holds_run = FileExists(started_with) || FileExists(folder + "/metrics.jsonl");
  if (!resume) {
    if (holds_run) {
      return absl::AlreadyExistsError(
          absl::StrCat(folder,
                       " already holds a run. Add --resume to go on with it, choose another folder "
                       "with --set run.dir=PATH, or "
                       "remove it"));
    }
    RETURN_IF_ERROR(MakeDirectories(folder));
    return std::string();
  }
  if (!FileExists(started_with)) {
    return absl::NotFoundError(absl::StrCat(
        folder, " holds no run to resume (no recipe.resolved.toml); leave out --resume"));
  }
  ASSIGN_OR_RETURN(const Recipe original, LoadRecipe(started_with, {}));
  const std::string was = DecidingText(original), is = DecidingText(recipe);
  if (was != is) {
    return absl::FailedPreconditionError(absl::StrCat(
        folder, ": a resumed run must be the same run, but ", FirstDifference(was, is),
        "\nUse the recipe it was started with (", started_with, "), or start another run"));
  }
  RETURN_IF_ERROR(RemoveLeftovers(folder));
  ASSIGN_OR_RETURN(const std::string checkpoint, LatestCheckpoint(folder));
  if (checkpoint.empty()) return checkpoint;
  const absl::Status damage = VerifyCheckpoint(checkpoint);
  if (damage.ok()) return checkpoint;
  ASSIGN_OR_RETURN(const std::string intact, IntactCheckpointBefore(folder, checkpoint));
  return absl::DataLossError(absl::StrCat(
      damage.message(), "; the checkpoint is damaged. ",
      intact.empty()
          ? absl::StrCat("No older one is left: remove ", checkpoint, " to begin the run again")
          : absl::StrCat("Remove ", checkpoint, " to go on from ", intact)));
}

}  // namespace grpo
