#include "rl/convert_command.h"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "data/status_macros.h"
#include "policy/checkpoint_conversion.h"
#include "policy/checkpoint_reader.h"

namespace grpo {
namespace {

// The last part of a path, as a model's name.
std::string BaseName(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  std::string name = path.substr(path.rfind('/') + 1);
  if (absl::EndsWith(name, ".gguf")) name.resize(name.size() - 5);
  return name;
}

void PrintTensors(const std::vector<StreamedTensor>& tensors) {
  for (const StreamedTensor& tensor : tensors) {
    std::printf("%s  [%s]  %s  from %s\n", tensor.name.c_str(),
                absl::StrJoin(tensor.shape, ", ").c_str(), tensor.dtype.c_str(),
                tensor.source.c_str());
  }
}

// Lists or writes a plan of either kind.
template <typename Plan>
absl::Status Carry(const Plan& plan, const ConvertOptions& options) {
  if (options.dry_run) {
    PrintTensors(plan.tensors);
    std::printf("%zu tensors; nothing was written\n", plan.tensors.size());
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(plan.Write(options.destination));
  std::printf("%s: %zu tensors\n", options.destination.c_str(), plan.tensors.size());
  return absl::OkStatus();
}

}  // namespace

absl::Status RunConvert(const CommandLine& command) {
  const ConvertOptions& options = command.convert;
  const bool gguf =
      options.to == "gguf" || (options.to.empty() && absl::EndsWith(options.destination, ".gguf"));
  if (gguf && !absl::EndsWith(options.destination, ".gguf")) {
    return absl::InvalidArgumentError(
        absl::StrCat(options.destination, ": the name of a GGUF file must end in .gguf"));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<CheckpointReader> checkpoint,
                   CheckpointReader::Open(options.source));
  ConversionOptions conversion;
  conversion.dtype = options.dtype;
  conversion.pre = options.pre;
  conversion.name = BaseName(options.source);
  if (gguf) {
    ASSIGN_OR_RETURN(const GgufPlan plan, PlanGguf(*checkpoint, conversion));
    return Carry(plan, options);
  }
  ASSIGN_OR_RETURN(const FolderPlan plan, PlanFolder(*checkpoint, conversion));
  return Carry(plan, options);
}

}  // namespace grpo
