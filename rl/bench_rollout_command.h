// `grpo bench rollout`: how fast the rollout engine is with a policy, as JSON lines.
#pragma once

#include "absl/status/status.h"

#include "rl/command_line.h"

namespace grpo {

// Random prompts, completions that take their whole budget. A line for each repeat:
//   seconds, tokens_per_second      of the whole call, completion tokens
//   prefill_tokens_per_second, decode_tokens_per_second
//                                   tokens fed, over the time of such forwards
//   sampling_seconds                drawing tokens from logits
//   thread_seconds                  of all threads together, by kind of work (rollout_stats.h)
//   mean_decode_batch, sharing_ratio
//                                   rows decoded together; prompt tokens used for each computed
//   decode_step_ms                  between two tokens: p50, p95, p99
//   preemptions, recomputed_tokens, shared_tokens, drafted_tokens, accepted_tokens
//                                   what the scheduler did (rollout_stats.h)
//   peak_cache_bytes, peak_memory_bytes
//   roofline                        limited_by "flops" or "bytes": which alone would take longer,
//                                   by what decoding needs (network_cost.h) and what the machine
//                                   can do before and after it (machine_limits.h); share_of_limit:
//                                   of the decoding's time; share_of_limits_in_turn: the same
//                                   where each kind of work is held to the limit that it meets, as
//                                   products wait for one another; decode_gflops, limit_gflops,
//                                   decode_gbytes_per_second, limit_gbytes_per_second
//   mismatch_max_abs, mismatch_tokens, compared_tokens
//                                   recorded log-probs against the learner's recomputation
//   completions_sha256              of all tokens and log-probs
absl::Status RunRolloutBench(const RolloutBenchOptions& options);

}  // namespace grpo
