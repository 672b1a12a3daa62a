// Confidence intervals of means over problems.
#pragma once

#include <cstdint>
#include <vector>

namespace grpo {

struct Interval {
  double low = 0;
  double high = 0;
};

// How intervals are made; the same numbers give the same interval.
struct BootstrapConfig {
  int resamples = 10000;
  uint64_t seed = 0xb007;
};

// The 95 % interval of the mean of `values`, one of each problem: all completions of a problem are
// one cluster, for they rise and fall together. By resampling problems (Efron 1979), with the
// percentiles moved outwards for few problems (Hesterberg 2015, "What Teachers Should Know about
// the Bootstrap", the expanded percentile interval). The mean can only be within `whole`.
//
// Values that are all the same leave nothing to resample: then what another value of at most so
// many problems that n of them may all have missed it (with a chance of 2.5 %) would do to the
// mean. Fewer than two values say nothing: `whole`.
Interval MeanInterval(const std::vector<double>& values, Interval whole,
                      const BootstrapConfig& config = {});

}  // namespace grpo
