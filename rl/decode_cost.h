// What decoding costs by a policy's shape: the arithmetic and the memory traffic that cannot be
// avoided, for rooflines.
#pragma once

#include <cstdint>

#include "policy/policy_config.h"

namespace grpo {

// Floating-point operations of one token that sees `context` tokens: two for each weight that it
// passes (embedding apart, its chosen experts alone, keys and values never expanded), and attention
// over the cache.
double DecodeFlops(const PolicyConfig& config, double context);

// Bytes that a decode step over `batch` sequences must read: every weight that one of them needs
// once (of the routed experts the share that as many independent choices reach), and their cache.
double DecodeBytes(const PolicyConfig& config, double batch, double context,
                   double bytes_per_weight, double bytes_per_cached);

}  // namespace grpo
