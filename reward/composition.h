// From what each checker says to the one reward of a completion.
//
// Entry i of the recipe gives the term t_i = weight_i · score_i. Gates give no term; their scores,
// clamped to 0…1, multiply into the factor g. What a completion earns is scaled by it, penalties
// are not: t'_i = g · t_i where t_i > 0, else t_i. So no gate ever raises a reward. The reward is
//   sum      Σ t'_i
//   minimum  min t'_i
//   first    t'_i of the first entry that scores; invalid ones before it are passed over
// over the entries that apply: those whose `families` is empty or holds the prompt's family, and
// whose checker does not say otherwise. What does not apply is no zero and no error: it is as if
// the entry did not stand in the recipe. One entry in error makes the whole an error, one invalid
// entry makes it invalid (unless passed over), and so does no entry at all.
#pragma once

#include <string>
#include <vector>

#include "reward/scored_group.h"

namespace grpo {

// An entry's part in the whole.
struct RewardRole {
  double weight = 1;
  bool gate = false;
  std::vector<std::string> families;  // empty: every prompt
};

struct Composition {
  std::string combine = "sum";  // sum, minimum or first
  bool normalize = false;       // see NormalizeOverGroup
  std::vector<RewardRole> roles;
};

// Whether the entry is for prompts of this family.
bool AppliesTo(const RewardRole& role, const std::string& family);

// The verdict on one completion; `results` has one item for each role.
Score Combine(std::vector<RewardResult> results, const Composition& composition);

// Sets `normalized` of every scored completion of a group: each term of the sum is measured within
// the group before it is added, so that a reward with a wide spread does not drown the others
// (group reward-decoupled normalization, GDPO, arXiv 2601.05242):
//   Σ_i weight_i · (s'_i - mean s'_i) / (std s'_i + 1e-4)
// with s'_i = t'_i / weight_i, the score after the gates, mean and std (with n - 1) over the
// group's scored completions to which entry i applies; an entry whose s'_i are all equal adds 0.
// The paper's second step, dividing by the deviation over the whole batch, is left out. For
// combine = sum.
void NormalizeOverGroup(const Composition& composition, std::vector<Score>& scores);

}  // namespace grpo
