// The program: parses the command line, runs a command, turns its status into an exit code.
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include <ATen/Parallel.h>
#include <malloc.h>

#include "policy/threads.h"
#include "rl/bench_learner_command.h"
#include "rl/bench_rollout_command.h"
#include "rl/command_line.h"
#include "rl/convert_command.h"
#include "rl/eval_command.h"
#include "rl/interrupt.h"
#include "rl/logprobs_command.h"
#include "rl/loss_command.h"
#include "rl/sample_command.h"
#include "rl/score_command.h"
#include "rl/train_command.h"
#include "rl/version.h"

namespace {

enum ExitCode { kDone = 0, kFailed = 1, kUsage = 2, kInterrupted = 130 };

absl::Status RunCommand(const grpo::CommandLine& command) {
  switch (command.command) {
    case grpo::Command::kTrain:
      return grpo::RunTrain(command, grpo::InterruptFlag());
    case grpo::Command::kEval:
      return grpo::RunEval(command, grpo::InterruptFlag());
    case grpo::Command::kScore:
      return grpo::RunScore(command);
    case grpo::Command::kSample:
      return grpo::RunSample(command, grpo::InterruptFlag());
    case grpo::Command::kLogprobs:
      return grpo::RunLogprobs(command);
    case grpo::Command::kLoss:
      return grpo::RunLoss(command.loss, std::cin, std::cout);
    case grpo::Command::kBenchRollout:
      return grpo::RunRolloutBench(command.bench_rollout);
    case grpo::Command::kBenchLearner:
      return grpo::RunLearnerBench(command.bench_learner);
    case grpo::Command::kConvert:
      return grpo::RunConvert(command);
    case grpo::Command::kHelp:
      std::fputs(grpo::HelpText(command.help_about).c_str(), stdout);
      return absl::OkStatus();
    case grpo::Command::kVersion:
      std::printf("grpo %s\n", grpo::kVersion);
      return absl::OkStatus();
  }
  return absl::InternalError("unknown command");
}

}  // namespace

int main(int argc, char** argv) {
  const auto command = grpo::ParseCommandLine(std::vector<std::string>(argv + 1, argv + argc));
  if (!command.ok()) {
    std::fprintf(stderr, "%s\n", std::string(command.status().message()).c_str());
    return kUsage;
  }
  // Freed memory stays with the process: activations of one micro-batch reuse the pages of the one
  // before, whichever thread asks for them.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_ARENA_MAX, 1);
  // Tensor operations run on the thread that calls them; parallelism is over sequences and
  // micro-batches.
  at::set_num_threads(1);
  grpo::LeaveOpenMpPlace();
  absl::Status status;
  try {
    status = RunCommand(*command);
  } catch (const std::exception& error) {
    status = absl::InternalError(error.what());
  }
  if (status.ok()) return kDone;
  std::fprintf(stderr, "grpo: %s\n", std::string(status.message()).c_str());
  return absl::IsCancelled(status) ? kInterrupted : kFailed;
}
