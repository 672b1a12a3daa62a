// What decoding and learning cost by a policy's shape: the arithmetic and the memory traffic that
// cannot be avoided, for rooflines.
#pragma once

#include <cstdint>

#include "policy/policy_config.h"

namespace grpo {

// Floating-point operations and bytes that must be read.
struct WorkCost {
  double flops = 0;
  double bytes = 0;
};

// By the kind of work (rollout/rollout_stats.h); each kind waits for the one before it.
struct DecodeCost {
  WorkCost products;   // of attention, dense MLPs and routers
  WorkCost experts;    // shared ones too
  WorkCost attention;  // over the cache
  WorkCost head;

  WorkCost Total() const;
  // Seconds where each kind of work takes as long as its arithmetic or its memory traffic alone,
  // whichever is longer.
  double SecondsInTurn(double flops_per_second, double bytes_per_second) const;
};

// Of a decode step over `batch` sequences of `context` tokens: two operations for each weight that
// a token passes (embedding apart, its chosen experts alone, keys and values never expanded) and
// attention; every weight that a sequence needs read once (of the routed experts the share that as
// many independent choices reach), and the cache.
DecodeCost DecodeStepCost(const PolicyConfig& config, double batch, double context,
                          double bytes_per_weight, double bytes_per_cached);

// A prompt for each group of completions.
struct UpdateSize {
  double prompts = 1;
  double group = 1;
  double prompt_tokens = 1;
  double new_tokens = 1;
  bool share_prompts = false;  // a prompt is computed once for its group
};

// Floating-point operations of a forward and a backward pass over the completions behind their
// prompts, whose last token is not fed: six for each weight that a token passes (its chosen experts
// alone, the head for completions alone) and three times attention's, causal, keys and values
// expanded.
double UpdateFlops(const PolicyConfig& config, const UpdateSize& size);

}  // namespace grpo
