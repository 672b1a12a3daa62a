// Compares `tool_calls` with the verdicts of BFCL's own checker.
//
//   bfcl_oracle [--matching=strict] [--list] BFCL_FOLDER ORACLE.jsonl
//
// BFCL_FOLDER has BFCL_v4_CATEGORY.json and possible_answer/BFCL_v4_CATEGORY.json, as the package
// bfcl-eval ships them. A line of the oracle is {"id": "CATEGORY_N#KIND", "category", "kind",
// "calls": [{"f": {"x": 1}}], "valid": what BFCL's ast_checker says}. Prints the agreement for each
// category and kind, with --list each disagreement too.

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "nlohmann/json.hpp"

#include "data/json_lines.h"
#include "data/status_macros.h"
#include "reward/tools/tool_calls.h"

namespace grpo {
namespace {

using nlohmann::json;

struct Agreement {
  int same = 0, ours_alone = 0, theirs_alone = 0;  // valid for both or neither, for one alone
};

// One category's tasks by id.
using Tasks = std::map<std::string, Prompt>;

absl::StatusOr<std::vector<json>> ReadLines(const std::string& path) {
  ASSIGN_OR_RETURN(const std::unique_ptr<JsonLinesReader> reader, JsonLinesReader::Open(path));
  std::vector<json> lines;
  while (true) {
    ASSIGN_OR_RETURN(absl::optional<JsonRecord> record, reader->Next());
    if (!record.has_value()) return lines;
    lines.push_back(std::move(record->value));
  }
}

absl::StatusOr<Tasks> ReadTasks(const std::string& folder, const std::string& category) {
  const std::string file = absl::StrCat("BFCL_v4_", category, ".json");
  Tasks tasks;
  ASSIGN_OR_RETURN(const std::vector<json> questions, ReadLines(absl::StrCat(folder, "/", file)));
  for (const json& question : questions) {
    const std::string id = question.at("id");
    tasks[id].name = id;
    tasks[id].metadata_json = json{{"tools", question.at("function")}}.dump();
  }
  ASSIGN_OR_RETURN(const std::vector<json> answers,
                   ReadLines(absl::StrCat(folder, "/possible_answer/", file)));
  for (const json& answer : answers) {
    tasks[answer.at("id").get<std::string>()].answer = answer.at("ground_truth").dump();
  }
  return tasks;
}

std::string Completion(const json& calls) {
  json list = json::array();
  for (const json& call : calls) {
    for (const auto& part : call.items()) {
      list.push_back({{"name", part.key()}, {"arguments", part.value()}});
    }
  }
  return list.dump();
}

void Print(const std::string& what, const Agreement& agreement) {
  const int all = agreement.same + agreement.ours_alone + agreement.theirs_alone;
  std::printf("%-40s %6d of %6d  %7.3f %%  ours alone valid %d, theirs alone %d\n", what.c_str(),
              agreement.same, all, 100.0 * agreement.same / all, agreement.ours_alone,
              agreement.theirs_alone);
}

absl::Status Run(const ToolCallsOptions& options, bool list, const std::string& folder,
                 const std::string& oracle) {
  const std::unique_ptr<Reward> checker = NewToolCalls(options);
  std::map<std::string, Tasks> tasks;
  std::map<std::string, Agreement> by_category, by_kind;
  Agreement all;
  ASSIGN_OR_RETURN(const std::vector<json> lines, ReadLines(oracle));
  for (const json& line : lines) {
    const std::string category = line.at("category"), id = line.at("id");
    if (tasks.count(category) == 0) {
      ASSIGN_OR_RETURN(tasks[category], ReadTasks(folder, category));
    }
    const Prompt& prompt = tasks[category][id.substr(0, id.find('#'))];
    const std::string completion = Completion(line.at("calls"));
    const RewardResult result = checker->Score({prompt, completion}, Deadline::Never());
    const bool ours = result.state == RewardState::kScored && result.score == 1;
    const bool theirs = line.at("valid");
    for (Agreement* sum :
         {&all, &by_category[category], &by_kind[line.at("kind").get<std::string>()]}) {
      ++(ours == theirs ? sum->same : ours ? sum->ours_alone : sum->theirs_alone);
    }
    if (list && ours != theirs) {
      std::printf("%s: %s here, %s there: %s\n  expected %s\n  found %s\n", id.c_str(),
                  ours ? "valid" : "not valid", theirs ? "valid" : "not valid",
                  result.reason.c_str(), prompt.answer.c_str(), completion.c_str());
    }
  }
  for (const auto& [category, agreement] : by_category) Print(category, agreement);
  for (const auto& [kind, agreement] : by_kind) Print(kind, agreement);
  Print("all", all);
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  ToolCallsOptions options;
  options.matching = "bfcl";
  bool list = false;
  std::vector<std::string> paths;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (absl::ConsumePrefix(&argument, "--matching=")) {
      options.matching = std::string(argument);
    } else if (argument == "--list") {
      list = true;
    } else {
      paths.emplace_back(argument);
    }
  }
  if (paths.size() != 2) {
    std::fprintf(stderr,
                 "usage: bfcl_oracle [--matching=strict] [--list] BFCL_FOLDER ORACLE.jsonl\n");
    return 2;
  }
  const absl::Status status = Run(options, list, paths[0], paths[1]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace grpo

int main(int argc, char** argv) { return grpo::Main(argc, argv); }
