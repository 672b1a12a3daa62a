// Which of the drawn prompts a step samples, by how often the policy has solved their like so far:
// difficulty pools. What is easy already teaches nothing (no-positive-resampling, ScaleRL, arXiv
// 2510.13786), and what is too hard yet comes seldom until it no longer is, which makes a
// curriculum of a mixture.
//
//   PromptPools pools(config, seed);
//   ASSIGN_OR_RETURN(prompts, pools.Next(source, 64));
//   pools.Record(scored);
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <nlohmann/json_fwd.hpp>

#include "data/config_fields.h"
#include "data/prompt_source.h"
#include "reward/scored_group.h"

namespace grpo {

struct PoolsConfig {
  std::string by = "off";
  double easy_above = 0.9;
  double easy_share = 0;
  double hard_below = 0;
  double hard_share = 0.1;
  double decay = 0.5;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("by", by, OneOf{{"off", "prompt", "family"}},
          "whose pass rate decides: the prompt's own, or that of its family and level");
    visit("easy_above", easy_above, Range(0, 1),
          "prompts whose running pass rate has reached this are easy");
    visit("easy_share", easy_share, Range(0, 1), "chance that a drawn easy prompt is sampled");
    visit("hard_below", hard_below, Range(0, 1),
          "prompts whose running pass rate is below this are hard; 0: none are");
    visit("hard_share", hard_share, Range(0, 1), "chance that a drawn hard prompt is sampled");
    visit("decay", decay, Range(0, 0.9999), "share of the running pass rate that a step keeps");
  }
};

class PromptPools {
 public:
  PromptPools(const PoolsConfig& config, uint64_t seed) : config_(config), seed_(seed) {}

  // The next `count` prompts of the source that are taken. Where a long stretch holds none the next
  // one is taken all the same, so that this ends.
  absl::StatusOr<std::vector<Prompt>> Next(PromptSource& source, int count);

  // What a step sampled: moves the running pass rates.
  void Record(const std::vector<ScoredGroup>& groups);

  // Prompts, or families, that are easy or hard now, and draws passed over since the last call.
  struct Counts {
    int64_t easy = 0;
    int64_t hard = 0;
    int64_t known = 0;
    int64_t passed_over = 0;
  };
  Counts TakeCounts();

  // What a checkpoint keeps.
  nlohmann::ordered_json State() const;
  absl::Status Restore(const nlohmann::ordered_json& state, const std::string& origin);

 private:
  bool Takes(const Prompt& prompt) const;

  const PoolsConfig config_;
  const uint64_t seed_;
  std::map<std::string, double> pass_rates_;  // by prompt or family
  int64_t passed_over_ = 0;
};

}  // namespace grpo
