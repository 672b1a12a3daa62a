// What a suite gave on a policy: a JSON file with everything that is needed to repeat it and to
// compare it with another one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include <nlohmann/json.hpp>

#include "rl/eval/interval.h"
#include "rl/eval/metrics.h"

namespace grpo {

struct SuiteProblemResult {
  std::string id;
  std::string family;
  std::string level;
  std::vector<bool> correct;  // of each completion
  std::vector<int> answers;   // of each completion, its answer's class as Vote has it
  int truncated = 0;          // completions that ran out of tokens
  int unscored = 0;           // without a usable verdict; they count as wrong
  int64_t tokens = 0;         // of all completions

  double Rate() const;
  bool HasVotes() const;            // whether a completion gave an answer
  std::vector<Vote> Votes() const;  // of its completions
};

struct SuiteResult {
  std::string suite;                // its name
  std::string policy;               // its path
  std::string policy_digest;        // SHA-256 over its weights
  std::string data_digest;          // SHA-256 of the suite's files
  std::string suite_digest;         // SHA-256 of how the suite asks and judges
  nlohmann::ordered_json sampling;  // the settings of the draws
  int samples = 1;                  // completions of each problem
  int64_t seed = 1;
  std::string version;  // of the program
  std::vector<SuiteProblemResult> problems;
  // The first completion of each family as the sample file has it; not in the JSON file.
  std::vector<nlohmann::ordered_json> examples;

  // mean@k: the share of right completions, over all problems or those of one family (empty: all);
  // 0 of none.
  double PassRate(const std::string& family = "") const;
  std::vector<std::string> Families() const;  // in order of first appearance
  double MeanTokens() const;                  // of a completion
  double TruncatedShare() const;              // of completions
};

// The 95 % interval of the difference after - before over the same problems, paired, all or those
// of one family.
Interval ChangeInterval(const SuiteResult& before, const SuiteResult& after,
                        const std::string& family);

nlohmann::ordered_json SuiteResultToJson(const SuiteResult& result);
// `origin` is the file, for messages.
absl::StatusOr<SuiteResult> SuiteResultFromJson(const nlohmann::ordered_json& json,
                                                const std::string& origin);

// B against A, over the same problems.
struct SuiteComparison {
  double rate_a = 0, rate_b = 0;  // mean@k
  Interval change;                // the 95 % interval of rate_b - rate_a, paired by problem
  int better = 0, worse = 0;      // problems
  std::string verdict;            // a sentence
};

// Refuses, and says why, where the two cannot be compared: another suite, file, template or
// reward, number of completions, sampling, or other problems.
absl::StatusOr<SuiteComparison> CompareSuiteResults(const SuiteResult& a, const SuiteResult& b);

}  // namespace grpo
