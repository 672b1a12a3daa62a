#include "rl/dry_run.h"

#include <cstdio>

#include "absl/strings/str_format.h"

#include "data/status_macros.h"
#include "rl/run_parts.h"

namespace grpo {

absl::Status PrintDryRun(const Recipe& recipe) {
  ASSIGN_OR_RETURN(const RunParts parts, BuildRunParts(recipe, ""));
  const GrpoConfig& grpo = recipe.grpo;
  const PolicyConfig& config = parts.weights.config;
  const double parameters = parts.weights.CountParameters();
  const double samples = static_cast<double>(grpo.prompts_per_step) * grpo.group_size;
  const double step_tokens = samples * grpo.sampling.max_new_tokens;
  // Weights, gradients (their sum and one set a thread) and two moments.
  const double training = parameters * sizeof(float) * (4 + recipe.run.threads);
  const double cache = 256.0 * recipe.run.threads * (grpo.sampling.max_new_tokens + 64) *
                       config.num_hidden_layers * config.cached_row_width() * sizeof(float);
  std::fputs(ResolvedRecipe(recipe).c_str(), stdout);
  absl::PrintF("\n# Dry run: nothing was started.\n");
  absl::PrintF("# parameters           %.0f", parameters);
  if (config.num_moe_layers() > 0) {
    absl::PrintF(" (%d of %d experts active for a token)", config.num_experts_per_tok,
                 config.n_routed_experts);
  }
  absl::PrintF("\n");
  absl::PrintF("# vocabulary           %d\n", config.vocab_size);
  absl::PrintF(
      "# memory               about %.0f MB: weights, gradients and optimizer %.0f MB, paged "
      "cache %.0f MB\n",
      (training + cache) * 1e-6, training * 1e-6, cache * 1e-6);
  absl::PrintF("# cold start           %d steps of %d demonstrations\n", recipe.sft.steps,
               recipe.sft.batch_size);
  absl::PrintF(
      "# reinforcement        %d steps of %.0f completions, at most %.0f tokens a step, %.1f M in "
      "all "
      "(refills apart)\n",
      grpo.steps, samples, step_tokens, step_tokens * grpo.steps * 1e-6);
  for (const Evaluation& evaluation : parts.evaluations) {
    absl::PrintF("# %-20s %d problems, %d completions each\n", evaluation.Name(),
                 evaluation.suite.problems.size(), evaluation.suite.config.samples);
  }
  return absl::OkStatus();
}

}  // namespace grpo
