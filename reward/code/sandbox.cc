#include "reward/code/sandbox.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "data/status_macros.h"
#include "reward/code/box.h"

namespace grpo {
namespace {

absl::StatusOr<std::vector<SandboxTier>> TiersToTry(const std::string& name) {
  if (name == "namespaces") return std::vector<SandboxTier>{SandboxTier::kNamespaces};
  if (name == "landlock") return std::vector<SandboxTier>{SandboxTier::kLandlock};
  if (name == "auto") {
    return std::vector<SandboxTier>{SandboxTier::kNamespaces, SandboxTier::kLandlock};
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "sandbox tier '", name, "' is not known: expected auto, namespaces or landlock"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Sandbox>> Sandbox::Create(const SandboxPolicy& policy) {
  ASSIGN_OR_RETURN(const std::vector<SandboxTier> tiers, TiersToTry(policy.tier));
  std::string reasons;
  for (const SandboxTier tier : tiers) {
    std::unique_ptr<Sandbox> sandbox(new Sandbox(tier, policy.limits));
    const absl::Status status = sandbox->Probe();
    if (status.ok()) return sandbox;
    absl::StrAppend(&reasons, "; tier ", std::string(SandboxTierName(tier)), ": ",
                    std::string(status.message()));
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "no sandbox works on this machine, and untrusted code is never run without one", reasons,
      ". Allow user namespaces (sysctl user.max_user_namespaces, and the container's own seccomp "
      "or AppArmor profile), or use a kernel with Landlock, version 3 or newer (Linux 6.2)"));
}

Sandbox::Sandbox(SandboxTier tier, const SandboxLimits& limits) : tier_(tier), limits_(limits) {}

Sandbox::~Sandbox() = default;

// One run that must go right: what the kernel forbids may show only now.
absl::Status Sandbox::Probe() {
  ASSIGN_OR_RETURN(std::unique_ptr<Box> box, Box::Start(tier_, limits_));
  SandboxJob job;
  job.function = "probe";
  job.source = "def probe():\n    return 1\n";
  job.inputs = {R"({"args": [], "kwargs": {}})"};
  const SandboxResult result = box->Run(job, Deadline::Never());
  if (result.status != SandboxStatus::kOk || result.outputs.size() != 2 ||
      result.outputs[1] != R"({"v": 1})") {
    return absl::UnavailableError(
        absl::StrCat("a trial run failed: ", result.reason.empty() ? "no answer" : result.reason));
  }
  absl::MutexLock lock(&mutex_);
  idle_.push_back(std::move(box));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Box>> Sandbox::TakeBox() {
  {
    absl::MutexLock lock(&mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Box> box = std::move(idle_.back());
      idle_.pop_back();
      return box;
    }
  }
  return Box::Start(tier_, limits_);
}

SandboxResult Sandbox::Run(const SandboxJob& job, const Deadline& deadline) {
  SandboxResult result;
  for (int attempt = 0; attempt < 2 && !deadline.Passed(); ++attempt) {
    absl::StatusOr<std::unique_ptr<Box>> box = TakeBox();
    if (box.ok()) {
      result = (*box)->Run(job, deadline);
      if (result.status != SandboxStatus::kInfrastructure) {
        absl::MutexLock lock(&mutex_);
        idle_.push_back(*std::move(box));
        return result;
      }
    } else {
      result.reason = std::string(box.status().message());
    }
  }
  result.status = SandboxStatus::kInfrastructure;
  result.tier = tier_;
  if (result.reason.empty()) result.reason = "the call's deadline passed";
  return result;
}

}  // namespace grpo
