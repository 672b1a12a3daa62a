#include "rl/checkpoint.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include <fcntl.h>
#include <stdio.h>

#include "data/digest.h"
#include "data/file.h"
#include "data/status_macros.h"
#include "policy/adapter_folder.h"

namespace grpo {
namespace {

constexpr char kDigests[] = "digests.json";

// Steps of the finished checkpoints, ascending.
absl::StatusOr<std::vector<int64_t>> FinishedSteps(const std::string& folder) {
  std::vector<int64_t> steps;
  if (!DirectoryExists(folder)) return steps;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(folder));
  for (absl::string_view name : names) {
    int64_t step;
    if (absl::ConsumePrefix(&name, "step-") && absl::SimpleAtoi(name, &step)) steps.push_back(step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

// Gives a finished folder its final name. One that stands there already is swapped out in the same
// instant: a kill finds the old or the new checkpoint, never none.
absl::Status PutInPlace(const std::string& unfinished, const std::string& folder) {
  if (!DirectoryExists(folder)) return RenameDurably(unfinished, folder);
  if (renameat2(AT_FDCWD, unfinished.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot replace ", folder));
  }
  return RemoveTree(unfinished);
}

// Of the list of digests itself, without its own entry: a damaged list blames no other file.
std::string OwnDigest(nlohmann::ordered_json digests) {
  digests.erase(kDigests);
  return Sha256Hex(digests.dump());
}

absl::Status WriteDigests(const std::string& folder) {
  ASSIGN_OR_RETURN(std::vector<std::string> names, ListDirectory(folder));
  nlohmann::ordered_json digests;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string name = names[i], path = absl::StrCat(folder, "/", name);
    if (DirectoryExists(path)) {
      ASSIGN_OR_RETURN(const std::vector<std::string> within, ListDirectory(path));
      for (const std::string& file : within) names.push_back(absl::StrCat(name, "/", file));
      continue;
    }
    ASSIGN_OR_RETURN(digests[name], Sha256OfFile(path));
  }
  digests[kDigests] = OwnDigest(digests);
  return WriteFileAtomically(absl::StrCat(folder, "/", kDigests), digests.dump(2) + "\n");
}

absl::StatusOr<nlohmann::ordered_json> ReadJson(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  nlohmann::ordered_json json =
      nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return absl::DataLossError(absl::StrCat(path, ": expected a JSON object; the file is damaged"));
  }
  return json;
}

}  // namespace

absl::Status WriteCheckpoint(const std::string& run_dir, int64_t step,
                             const CheckpointContents& contents, int keep, int64_t best) {
  const std::string parent = run_dir + "/checkpoints";
  const std::string folder = absl::StrCat(parent, "/step-", step),
                    unfinished = absl::StrCat(parent, "/.unfinished-", step);
  RETURN_IF_ERROR(RemoveTree(unfinished));
  RETURN_IF_ERROR(MakeDirectories(unfinished));
  RETURN_IF_ERROR(SavePolicyFolder(unfinished, *contents.weights, contents.extras));
  RETURN_IF_ERROR(WriteFileAtomically(unfinished + "/state.json", contents.state.dump() + "\n"));
  for (const auto& [name, tensors] : contents.tensors) {
    RETURN_IF_ERROR(SaveTensors(absl::StrCat(unfinished, "/", name, ".safetensors"), tensors));
  }
  if (contents.adapted != nullptr) {
    RETURN_IF_ERROR(MakeDirectories(unfinished + "/adapter"));
    RETURN_IF_ERROR(
        SaveAdapterFolder(unfinished + "/adapter", *contents.adapted, contents.base_policy));
  }
  RETURN_IF_ERROR(WriteDigests(unfinished));
  RETURN_IF_ERROR(PutInPlace(unfinished, folder));
  ASSIGN_OR_RETURN(const std::vector<int64_t> steps, FinishedSteps(parent));
  for (size_t i = 0; i + keep < steps.size(); ++i) {
    if (steps[i] == best) continue;
    RETURN_IF_ERROR(RemoveTree(absl::StrCat(parent, "/step-", steps[i])));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> LatestCheckpoint(const std::string& run_dir) {
  const std::string parent = run_dir + "/checkpoints";
  ASSIGN_OR_RETURN(const std::vector<int64_t> steps, FinishedSteps(parent));
  return steps.empty() ? std::string() : absl::StrCat(parent, "/step-", steps.back());
}

absl::Status VerifyCheckpoint(const std::string& folder) {
  ASSIGN_OR_RETURN(const nlohmann::ordered_json digests,
                   ReadJson(absl::StrCat(folder, "/", kDigests)));
  if (!digests.contains(kDigests) || digests[kDigests] != OwnDigest(digests)) {
    return absl::DataLossError(
        absl::StrCat(folder, "/", kDigests, ": does not fit its own digest"));
  }
  for (const auto& [name, digest] : digests.items()) {
    if (name == kDigests) continue;
    const std::string path = absl::StrCat(folder, "/", name);
    ASSIGN_OR_RETURN(const std::string found, Sha256OfFile(path));
    if (digest != found) {
      return absl::DataLossError(absl::StrCat(path, ": the digest is ", found, ", but ", kDigests,
                                              " says ", digest.dump()));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> IntactCheckpointBefore(const std::string& run_dir,
                                                   const std::string& folder) {
  const std::string parent = run_dir + "/checkpoints";
  ASSIGN_OR_RETURN(const std::vector<int64_t> steps, FinishedSteps(parent));
  std::string intact;
  for (const int64_t step : steps) {
    const std::string older = absl::StrCat(parent, "/step-", step);
    if (older == folder) break;
    if (VerifyCheckpoint(older).ok()) intact = older;
  }
  return intact;
}

absl::StatusOr<nlohmann::ordered_json> ReadCheckpointState(const std::string& folder) {
  return ReadJson(folder + "/state.json");
}

}  // namespace grpo
