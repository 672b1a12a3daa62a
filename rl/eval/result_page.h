// A suite's result as one self-contained HTML page: tables, and every problem with its completions,
// verdicts and reasons, to search, filter and sort.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rl/eval/result_table.h"
#include "rl/eval/suite.h"
#include "rl/eval/suite_result.h"

namespace grpo {

class ResultPage {
 public:
  // The samples of the next problem, as the sample log has them. Those beyond 64 MiB of text are
  // left out; the page says so.
  void Add(const std::vector<nlohmann::ordered_json>& samples);
  std::string Html(const SuiteConfig& suite, const SuiteResult& result) const;

 private:
  nlohmann::ordered_json problems_ = nlohmann::ordered_json::array();
  size_t bytes_ = 0;
  size_t left_out_ = 0;
};

}  // namespace grpo
