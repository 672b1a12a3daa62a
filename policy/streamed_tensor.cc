#include "policy/streamed_tensor.h"

#include "absl/strings/str_cat.h"
#include <unistd.h>

#include "data/status_macros.h"

namespace grpo {
namespace {

absl::Status WriteAndSync(const std::string& path,
                          absl::FunctionRef<absl::Status(AppendOnlyFile&)> write) {
  ASSIGN_OR_RETURN(const auto file, AppendOnlyFile::Open(path));
  RETURN_IF_ERROR(write(*file));
  return file->Sync();
}

}  // namespace

absl::Status AppendTensor(const StreamedTensor& tensor, uint64_t expected_bytes,
                          AppendOnlyFile& file) {
  const int64_t start = file.size();
  RETURN_IF_ERROR(tensor.write([&](absl::string_view bytes) { return file.Append(bytes); }));
  const uint64_t written = file.size() - start;
  if (written == expected_bytes) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("tensor '", tensor.name, "' gave ", written,
                                          " bytes, expected ", expected_bytes));
}

absl::Status WriteFileInOneStep(const std::string& path,
                                absl::FunctionRef<absl::Status(AppendOnlyFile&)> write) {
  const std::string temporary = absl::StrCat(path, ".tmp.", getpid());
  RETURN_IF_ERROR(RemoveTree(temporary));  // left by a killed process that had our number
  absl::Status status = WriteAndSync(temporary, write);
  if (status.ok()) status = RenameDurably(temporary, path);
  if (!status.ok()) RemoveTree(temporary).IgnoreError();
  return status;
}

}  // namespace grpo
