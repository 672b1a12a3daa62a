// Asks code_tests about a program.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "reward/code/code_tests.h"
#include "reward/code/sandbox.h"

namespace grpo {

// Short times, so that a program that never ends costs a test little.
inline CodeTestsOptions OptionsFor(const std::string& tier) {
  CodeTestsOptions options;
  options.tier = tier;
  options.seconds = 1;
  options.memory_mb = 256;
  return options;
}

// One checker per tier for all tests, so that programs follow one another in the same boxes. Null
// where the tier does not work on this machine.
inline const Reward* CheckerOf(const std::string& tier) {
  // Destroyed at the end: what the sandbox made for its boxes then goes.
  static std::map<std::string, std::unique_ptr<Reward>> checkers;
  const auto place = checkers.find(tier);
  if (place != checkers.end()) return place->second.get();
  auto checker = NewCodeTests(OptionsFor(tier));
  if (!checker.ok()) std::fprintf(stderr, "%s\n", checker.status().ToString().c_str());
  return (checkers[tier] = checker.ok() ? *std::move(checker) : nullptr).get();
}

inline RewardResult JudgeWith(const Reward& checker, const nlohmann::json& tests,
                              const std::string& completion) {
  Prompt prompt;
  prompt.name = "test/1";
  prompt.metadata_json = nlohmann::json{{"tests", tests}}.dump();
  return checker.Score({prompt, completion, 0, 0, FinishReason::kStop}, Deadline::Never());
}

inline std::string Fenced(const std::string& program, const std::string& language = "python") {
  return "Here it is.\n```" + language + "\n" + program + "\n```\n";
}

// A test for each tier; skipped with a reason where the tier does not work.
class TierTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    checker_ = CheckerOf(GetParam());
    if (checker_ == nullptr) GTEST_SKIP() << "tier " << GetParam() << " does not work here";
  }
  RewardResult Judge(const nlohmann::json& tests, const std::string& completion) const {
    return JudgeWith(*checker_, tests, completion);
  }

  const Reward* checker_ = nullptr;
};

inline std::string TierName(const ::testing::TestParamInfo<const char*>& info) {
  return info.param;
}

}  // namespace grpo
