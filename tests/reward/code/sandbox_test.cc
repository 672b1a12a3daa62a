#include "reward/code/sandbox.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "reward/code/seccomp_filter.h"

namespace grpo {
namespace {

using ::testing::HasSubstr;

SandboxJob Call(const std::string& source) {
  SandboxJob job;
  job.function = "f";
  job.source = source;
  job.inputs = {R"({"args": [], "kwargs": {}})"};
  return job;
}

class SandboxTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    SandboxPolicy policy;
    policy.tier = GetParam();
    policy.limits.wall_seconds = 1.5;
    policy.limits.cpu_seconds = 1;
    auto sandbox = Sandbox::Create(policy);
    if (!sandbox.ok()) GTEST_SKIP() << sandbox.status();
    sandbox_ = *std::move(sandbox);
  }
  SandboxResult Run(const std::string& source) {
    return sandbox_->Run(Call(source), Deadline::Never());
  }

  std::unique_ptr<Sandbox> sandbox_;
};

TEST_P(SandboxTest, ReportsHowARunEndedAndInWhichTier) {
  const SandboxResult fine = Run("def f():\n    return 1");
  EXPECT_EQ(fine.status, SandboxStatus::kOk);
  EXPECT_EQ(SandboxTierName(fine.tier), GetParam());
  EXPECT_THAT(fine.outputs, ::testing::ElementsAre(R"({"load": null})", R"({"v": 1})"));
  EXPECT_GT(fine.cpu_microseconds, 0);
  EXPECT_GT(fine.memory_kilobytes, 1000);
  EXPECT_EQ(Run("import os\ndef f():\n    os._exit(3)").status, SandboxStatus::kNonzeroExit);
  EXPECT_EQ(Run("import ctypes\ndef f():\n    ctypes.string_at(8)").status,
            SandboxStatus::kKilledBySignal);
  EXPECT_EQ(Run("def f():\n    while True: pass").status, SandboxStatus::kOutOfTime);
  EXPECT_EQ(Run("import time\ndef f():\n    time.sleep(9)").status, SandboxStatus::kOutOfTime);
  EXPECT_EQ(Run("def f():\n    return 'x' * 2**24").status, SandboxStatus::kOutputTooLong);
}

TEST_P(SandboxTest, GivesUpAtTheCallersDeadline) {
  const Deadline deadline(absl::Now() + absl::Milliseconds(100), nullptr);
  const SandboxResult result = sandbox_->Run(Call("def f():\n    while True: pass"), deadline);
  EXPECT_EQ(result.status, SandboxStatus::kInfrastructure);
  EXPECT_EQ(Run("def f():\n    return 1").status, SandboxStatus::kOk);
}

TEST(SandboxPolicyTest, RefusesATierThatItDoesNotKnow) {
  SandboxPolicy policy;
  policy.tier = "none";
  const auto sandbox = Sandbox::Create(policy);
  ASSERT_FALSE(sandbox.ok());
  EXPECT_THAT(std::string(sandbox.status().message()),
              HasSubstr("expected auto, namespaces or landlock"));
}

TEST(SeccompFilterTest, DiffersByProfile) {
  const auto interpreter = SeccompFilter(SeccompProfile::kInterpreter, /*signals=*/false);
  const auto compiler = SeccompFilter(SeccompProfile::kCompiler, /*signals=*/true);
  ASSERT_TRUE(interpreter.ok() && compiler.ok());
  EXPECT_EQ(interpreter->size() % 8, 0u);
  EXPECT_NE(*interpreter, *compiler);
}

INSTANTIATE_TEST_SUITE_P(Tiers, SandboxTest, ::testing::Values("namespaces", "landlock"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace grpo
