// `grpo eval` with suites: on a policy, tried by themselves, listed, or two results compared.
#pragma once

#include <atomic>

#include "absl/status/status.h"

#include "policy/weights.h"
#include "rl/command_line.h"
#include "rl/eval/loaded_suite.h"
#include "rl/eval/suite_result.h"
#include "rl/eval/suite_run.h"
#include "rollout/engine.h"

namespace grpo {

// Samples, scores and shows one suite.
absl::Status MeasureSuite(const LoadedSuite& suite, const SuiteResult& head, const Weights& weights,
                          const RolloutEngine& engine, const SuiteRunOptions& options);

// How the command's options run a suite: in which folder, by which ranks, with progress on stderr.
SuiteRunOptions RunOptionsOf(const SuiteOptions& chosen, const SuiteResult& head, size_t problems,
                             const std::atomic<bool>& interrupted);

absl::Status RunSuites(const CommandLine& command, const std::atomic<bool>& interrupted);

}  // namespace grpo
