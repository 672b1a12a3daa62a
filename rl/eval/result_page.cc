#include "rl/eval/result_page.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "rl/eval/result_page_html.h"

namespace grpo {
namespace {

using nlohmann::ordered_json;

constexpr size_t kMostText = size_t{64} << 20;

}  // namespace

void ResultPage::Add(const std::vector<ordered_json>& samples) {
  const ordered_json& first = samples[0];
  ordered_json problem = {{"number", first.value("problem", 0)}, {"id", first.value("name", "")}};
  for (const char* key : {"family", "level", "prompt", "answer"}) {
    problem[key] = first.value(key, "");
  }
  problem["samples"] = ordered_json::array();
  for (const ordered_json& sample : samples) {
    ordered_json shown;
    for (const char* key :
         {"completion", "given", "tokens", "finish", "state", "correct", "reasons"}) {
      shown[key] = sample.value(key, ordered_json());
    }
    problem["samples"].push_back(std::move(shown));
  }
  bytes_ += problem.dump().size();
  if (bytes_ > kMostText) {
    ++left_out_;
  } else {
    problems_.push_back(std::move(problem));
  }
}

std::string ResultPage::Html(const SuiteConfig& suite, const SuiteResult& result) const {
  ordered_json head = SuiteResultToJson(result);
  head.erase("problems");
  ordered_json tables = {ResultTable(suite, result)};
  const TableRows levels = LevelTable(suite, result);
  if (!levels.empty()) tables.push_back(levels);
  std::string title = suite.title;
  if (left_out_ > 0) {
    absl::StrAppend(&title, " (", left_out_, " problems are in the sample files alone)");
  }
  const ordered_json data = {{"title", title},
                             {"head", std::move(head)},
                             {"tables", std::move(tables)},
                             {"problems", problems_}};
  // In a script element "</script>" and "<!--" would end the data or change how it is read.
  const std::string json = absl::StrReplaceAll(data.dump(), {{"<", "\\u003c"}});
  const std::string page = kResultPageHtml;
  const size_t place = page.find("@DATA@");
  return absl::StrCat(page.substr(0, place), json, page.substr(place + 6));
}

}  // namespace grpo
