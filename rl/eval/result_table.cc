#include "rl/eval/result_table.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "rl/eval/interval.h"
#include "rl/eval/metrics.h"

namespace grpo {
namespace {

using Problems = std::vector<const SuiteProblemResult*>;

std::string Percent(double share) { return absl::StrFormat("%.1f %%", 100 * share); }

// The k of maj@k: those of pass@k in between, and all completions; none where no checker tells
// answers, or there is but one completion.
std::vector<int> MajoritiesAt(const SuiteConfig& suite, const SuiteResult& result) {
  const bool votes = std::any_of(result.problems.begin(), result.problems.end(),
                                 [](const auto& problem) { return problem.HasVotes(); });
  if (!votes || result.samples == 1) return {};
  std::vector<int> at;
  for (double k : suite.pass_at) {
    if (k > 1 && k < result.samples) at.push_back(static_cast<int>(k));
  }
  at.push_back(result.samples);
  return at;
}

std::vector<std::string> Header(const SuiteConfig& suite, const std::vector<int>& majorities_at,
                                const std::string& first) {
  std::vector<std::string> header = {first, "problems", absl::StrFormat("mean@%d", suite.samples),
                                     "95 % interval"};
  for (double k : suite.pass_at) header.push_back(absl::StrFormat("pass@%d", static_cast<int>(k)));
  for (int k : majorities_at) header.push_back(absl::StrCat("maj@", k));
  header.insert(header.end(), {"tokens", "cut off", "no verdict"});
  return header;
}

std::vector<std::string> RowOf(const SuiteConfig& suite, const std::vector<int>& majorities_at,
                               const std::string& name, const Problems& problems) {
  std::vector<double> rates;
  std::vector<double> passes(suite.pass_at.size()), majorities(majorities_at.size());
  double mean = 0, tokens = 0, truncated = 0, unscored = 0, completions = 0;
  for (const SuiteProblemResult* problem : problems) {
    rates.push_back(problem->Rate());
    mean += rates.back() / problems.size();
    const int n = static_cast<int>(problem->correct.size());
    const int correct =
        static_cast<int>(std::count(problem->correct.begin(), problem->correct.end(), true));
    for (size_t i = 0; i < passes.size(); ++i) {
      passes[i] += PassAtK(n, correct, static_cast<int>(suite.pass_at[i])) / problems.size();
    }
    const std::vector<Vote> votes = problem->Votes();
    for (size_t i = 0; i < majorities.size(); ++i) {
      majorities[i] += MajorityAtK(votes, majorities_at[i]) / problems.size();
    }
    completions += n;
    tokens += problem->tokens;
    truncated += problem->truncated;
    unscored += problem->unscored;
  }
  const Interval interval = MeanInterval(rates, {0, 1});
  std::vector<std::string> row = {
      name, absl::StrCat(problems.size()), Percent(mean),
      absl::StrFormat("%.1f to %.1f", 100 * interval.low, 100 * interval.high)};
  for (double pass : passes) row.push_back(Percent(pass));
  for (double majority : majorities) row.push_back(Percent(majority));
  row.push_back(absl::StrFormat("%.0f", tokens / completions));
  row.push_back(Percent(truncated / completions));
  row.push_back(Percent(unscored / completions));
  return row;
}

std::map<std::string, Problems> GroupedBy(const SuiteResult& result,
                                          std::string SuiteProblemResult::*key) {
  std::map<std::string, Problems> groups;
  for (const SuiteProblemResult& problem : result.problems) {
    groups[problem.*key].push_back(&problem);
  }
  return groups;
}

}  // namespace

TableRows ResultTable(const SuiteConfig& suite, const SuiteResult& result) {
  const std::vector<int> majorities_at = MajoritiesAt(suite, result);
  TableRows rows = {Header(suite, majorities_at, suite.name)};
  const auto families = GroupedBy(result, &SuiteProblemResult::family);
  Problems all;
  for (const auto& [family, problems] : families) {
    all.insert(all.end(), problems.begin(), problems.end());
    if (families.size() > 1) {
      rows.push_back(RowOf(suite, majorities_at, family.empty() ? "others" : family, problems));
    }
  }
  rows.push_back(RowOf(suite, majorities_at, "all", all));
  return rows;
}

TableRows LevelTable(const SuiteConfig& suite, const SuiteResult& result) {
  const auto levels = GroupedBy(result, &SuiteProblemResult::level);
  if (levels.size() < 2) return {};
  const std::vector<int> majorities_at = MajoritiesAt(suite, result);
  TableRows rows = {Header(suite, majorities_at, "level")};
  for (const auto& [level, problems] : levels) {
    rows.push_back(RowOf(suite, majorities_at, level.empty() ? "others" : level, problems));
  }
  return rows;
}

}  // namespace grpo
