// What is maximised, and how samples of another policy than the one that learns are corrected for:
// the keys of grpo.objective and grpo.off_policy. Formulas stand in the files of this folder.
#pragma once

#include <string>

#include "data/config_fields.h"

namespace grpo {

struct ObjectiveConfig {
  std::string advantage = "group";
  std::string policy_loss = "clip";
  double clip_low = 0.2;
  double clip_high = 0.28;
  double dual_clip = 0;
  double sapo_temperature_positive = 1;
  double sapo_temperature_negative = 1.05;
  std::string aggregation = "token_mean";
  std::string kl_estimator = "k3";
  double kl_coef = 0;
  std::string kl_in = "loss";
  int reference_refresh_steps = 0;
  double reference_decay = 0;
  double entropy_coef = 0;
  double entropy_target = 0;
  double entropy_step = 0.005;
  double top_entropy_share = 1;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("advantage", advantage,
          OneOf{{"group", "group_no_std", "batch", "leave_one_out", "max_rl", "reinforce_pp",
                 "reinforce_pp_baseline"}},
          "how much better than its siblings a completion was (rl/advantage.h)");
    visit("policy_loss", policy_loss,
          OneOf{{"clip", "gspo", "cispo", "sapo", "dppo_tv", "policy_gradient"}},
          "what a token adds (rl/objective/policy_loss.h)");
    visit("clip_low", clip_low, Range(0, 1),
          "the ratio may fall to 1 - clip_low; dppo_tv: the probability by clip_low");
    visit("clip_high", clip_high, Range(0, 100),
          "the ratio may rise to 1 + clip_high; dppo_tv: the probability by clip_high");
    visit("dual_clip", dual_clip, Range(0, 100),
          "clip and gspo: bound of the ratio at negative advantages, above 1; 0 is off");
    visit("sapo_temperature_positive", sapo_temperature_positive, Range(1e-3, 100),
          "sapo: at positive advantages");
    visit("sapo_temperature_negative", sapo_temperature_negative, Range(1e-3, 100),
          "sapo: at negative advantages");
    visit("aggregation", aggregation,
          OneOf{{"token_mean", "sequence_mean", "sequence_sum", "constant"}},
          "how tokens become one number (rl/objective/aggregation.h)");
    visit("kl_estimator", kl_estimator, OneOf{{"k1", "k2", "k3", "k3_k2_gradient", "weighted_k3"}},
          "of the divergence to the reference (rl/objective/kl.h)");
    visit("kl_coef", kl_coef, Range(0, 100), "weight of the divergence to the reference");
    visit("kl_in", kl_in, OneOf{{"loss", "reward"}}, "where the divergence is added");
    visit("reference_refresh_steps", reference_refresh_steps, AtLeast(0),
          "the policy becomes the reference every so many steps; 0 never");
    visit("reference_decay", reference_decay, Range(0, 0.9999999),
          "share of the reference that stays when it is refreshed; 0: all of it is the policy's");
    visit("entropy_coef", entropy_coef, Range(0, 10), "weight of the entropy bonus");
    visit("entropy_target", entropy_target, Range(0, 100),
          "the bonus' weight rises by entropy_step while entropy is below; 0: it stays");
    visit("entropy_step", entropy_step, Range(0, 10), "how far the weight moves in a step");
    visit("top_entropy_share", top_entropy_share, Range(1e-6, 1),
          "share of tokens, of highest entropy, whose policy loss counts");
  }
};

struct OffPolicyConfig {
  bool recompute_old = false;
  std::string correction = "none";
  std::string level = "token";
  double low = 0.5;
  double high = 2;
  double geometric_low = 0;
  double geometric_high = 0;
  double sequence_mask_delta = 0;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("recompute_old", recompute_old, NoConstraint(),
          "ratios to the learner's own policy before the step's updates, not to the sampler's");
    visit("correction", correction, OneOf{{"none", "full", "tis", "mis", "icepop"}},
          "weight of a token by its ratio to the sampler (rl/objective/off_policy.h)");
    visit("level", level, OneOf{{"token", "sequence"}}, "whose ratio the correction takes");
    visit("low", low, Range(0, 1), "icepop: ratios below count for nothing");
    visit("high", high, Range(1, 1e6), "tis: the largest weight; mis, icepop: above it nothing");
    visit("geometric_low", geometric_low, Range(0, 1),
          "sequences whose mean ratio is below count for nothing; 0 is off");
    visit("geometric_high", geometric_high, Range(0, 1e6),
          "sequences whose mean ratio is above count for nothing; 0 is off");
    visit("sequence_mask_delta", sequence_mask_delta, Range(0, 1e6),
          "bad sequences that the policy has left by more count for nothing; 0 is off");
  }
};

}  // namespace grpo
