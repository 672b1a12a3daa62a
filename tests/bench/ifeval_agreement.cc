// ifeval_agreement FOLDER: judges the responses of IFEval's files in FOLDER (input_data.jsonl,
// gpt4_responses.jsonl) and compares with the verdicts of the reference program
// (gpt4_eval_results_strict.jsonl, gpt4_eval_results_loose.jsonl). Prints the agreement of each
// kind of instruction and every verdict that differs.
#include <chrono>
#include <iostream>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"

#include "data/json_lines.h"
#include "data/status_macros.h"
#include "reward/instructions/instructions.h"

namespace grpo {
namespace {

using Records = std::map<std::string, nlohmann::json>;  // by prompt

absl::StatusOr<Records> ReadRecords(const std::string& path) {
  Records records;
  ASSIGN_OR_RETURN(const auto reader, JsonLinesReader::Open(path));
  while (true) {
    ASSIGN_OR_RETURN(const auto record, reader->Next());
    if (!record.has_value()) return records;
    records[record->value.at("prompt").get<std::string>()] = record->value;
  }
}

struct Agreement {
  int same[2] = {0, 0}, total[2] = {0, 0};  // strict, loose
};

struct Report {
  std::map<std::string, Agreement> kinds;
  int prompts_same[2] = {0, 0}, prompts[2] = {0, 0};
  double seconds = 0;
};

// Compares one response; prints what differs.
void Compare(const nlohmann::json& input, const nlohmann::json& verdict, int mode, Report* report) {
  InstructionsOptions options;
  options.mode = mode == 0 ? "strict" : "loose";
  Prompt prompt;
  prompt.name = absl::StrCat(input.at("key").get<int>());
  prompt.metadata_json = nlohmann::json{
      {"instruction_id_list", input.at("instruction_id_list")},
      {"kwargs",
       input.at("kwargs")}}.dump();
  const std::string response = verdict.at("response").get<std::string>();
  const auto start = std::chrono::steady_clock::now();
  const RewardResult result = NewInstructions(options)->Score(
      {prompt, response, 0, 0, FinishReason::kStop}, Deadline::Never());
  report->seconds +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  ++report->prompts[mode];
  if (result.state != RewardState::kScored) {
    std::cout << "not scored: prompt " << prompt.name << ": " << result.reason << "\n";
    return;
  }
  const bool all = verdict.at("follow_all_instructions").get<bool>();
  report->prompts_same[mode] += all == (result.score == 1) ? 1 : 0;
  for (size_t i = 0; i < result.parts.size(); ++i) {
    const bool expected = verdict.at("follow_instruction_list").at(i).get<bool>();
    const bool found = result.parts[i].second == 1;
    const std::string id = input.at("instruction_id_list").at(i).get<std::string>();
    Agreement& agreement = report->kinds[id];
    ++agreement.total[mode];
    agreement.same[mode] += expected == found ? 1 : 0;
    if (expected == found) continue;
    std::cout << "differs: " << options.mode << " prompt " << prompt.name << " " << id << " "
              << input.at("kwargs").at(i).dump() << ": stored " << expected << ", here " << found
              << "\n";
  }
}

absl::Status Run(const std::string& folder) {
  ASSIGN_OR_RETURN(const Records inputs, ReadRecords(folder + "/input_data.jsonl"));
  Report report;
  for (int mode = 0; mode < 2; ++mode) {
    const std::string name = mode == 0 ? "strict" : "loose";
    ASSIGN_OR_RETURN(const Records verdicts,
                     ReadRecords(absl::StrCat(folder, "/gpt4_eval_results_", name, ".jsonl")));
    for (const auto& [prompt, verdict] : verdicts) {
      const auto input = inputs.find(prompt);
      if (input == inputs.end()) return absl::NotFoundError("no input for the prompt " + prompt);
      Compare(input->second, verdict, mode, &report);
    }
  }
  Agreement sum;
  std::cout << absl::StreamFormat("%-48s %11s %11s\n", "instruction", "strict", "loose");
  const auto print = [](const std::string& id, const Agreement& a) {
    std::cout << absl::StreamFormat("%-48s %5d/%5d %5d/%5d\n", id, a.same[0], a.total[0], a.same[1],
                                    a.total[1]);
  };
  for (const auto& [id, agreement] : report.kinds) {
    print(id, agreement);
    for (int mode = 0; mode < 2; ++mode) {
      sum.same[mode] += agreement.same[mode];
      sum.total[mode] += agreement.total[mode];
    }
  }
  print("all instructions", sum);
  print("prompts",
        {{report.prompts_same[0], report.prompts_same[1]}, {report.prompts[0], report.prompts[1]}});
  std::cout << absl::StreamFormat("%.1f microseconds a response\n",
                                  report.seconds * 1e6 / (report.prompts[0] + report.prompts[1]));
  return absl::OkStatus();
}

}  // namespace
}  // namespace grpo

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: ifeval_agreement FOLDER\n";
    return 2;
  }
  const absl::Status status = grpo::Run(argv[1]);
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
