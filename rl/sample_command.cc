#include "rl/sample_command.h"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "data/status_macros.h"
#include "policy/checkpoint_tokenizer.h"
#include "policy/policy_folder.h"
#include "rollout/engine.h"

namespace grpo {
namespace {

// Answers one message on the terminal, or as a JSON line with each completion.
absl::Status Answer(const SampleOptions& options, const Weights& weights,
                    const RolloutEngine& engine, const std::string& message, uint64_t number,
                    bool terminal, const std::atomic<bool>& interrupted) {
  GenerateRequest request;
  Prompt prompt;
  prompt.id = number;
  prompt.name = absl::StrCat("prompt ", number + 1);
  prompt.text = message;
  request.prompts = {prompt};
  request.group_size = options.samples;
  request.sampling = options.sampling;
  request.seed = options.seed;
  request.cancelled = &interrupted;
  ASSIGN_OR_RETURN(const std::vector<RolloutGroup> groups, engine.Generate(weights, request));
  for (const Rollout& rollout : groups[0].rollouts) {
    if (terminal) {
      std::printf("%s\n", rollout.text.c_str());
      continue;
    }
    const nlohmann::ordered_json record = {
        {"prompt", message},
        {"sample", rollout.sample_index},
        {"completion", rollout.text},
        {"tokens", rollout.tokens.size()},
        {"finish", rollout.finish == FinishReason::kStop ? "stop" : "length"}};
    std::printf(
        "%s\n",
        record.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
  }
  std::fflush(stdout);
  return absl::OkStatus();
}

}  // namespace

absl::Status RunSample(const CommandLine& command, const std::atomic<bool>& interrupted) {
  const SampleOptions& options = command.sample;
  if (options.device != "cpu") {
    return absl::UnimplementedError("--device cuda: sampling on a GPU is not there yet; use cpu");
  }
  ASSIGN_OR_RETURN(const auto checkpoint, CheckpointReader::Open(options.policy));
  ASSIGN_OR_RETURN(const auto tokenizer, LoadTokenizer(*checkpoint));
  ASSIGN_OR_RETURN(const ChatFormat format, LoadChatFormat(*checkpoint, *tokenizer));
  ASSIGN_OR_RETURN(const Weights weights, LoadWeights(*checkpoint, MatrixStorage::kAsStored));
  EngineLimits limits;
  limits.threads = options.threads;
  const RolloutEngine engine(tokenizer, format, limits);

  const bool standard_input = options.prompts == "-";
  std::ifstream file;
  if (!standard_input) {
    file.open(options.prompts);
    if (!file)
      return absl::NotFoundError(absl::StrCat(options.prompts, ": cannot be opened for reading"));
  }
  std::istream& input = standard_input ? std::cin : file;
  const bool terminal = standard_input && isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
  std::string line;
  for (uint64_t number = 0;; ++number) {
    if (terminal) std::fputs("> ", stdout);
    if (terminal) std::fflush(stdout);
    if (!std::getline(input, line)) return absl::OkStatus();
    if (line.empty()) continue;
    RETURN_IF_ERROR(Answer(options, weights, engine, line, number, terminal, interrupted));
  }
}

}  // namespace grpo
