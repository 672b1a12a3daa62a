// Files: whole reads, writes that are never half there, folders. Every error carries the path, what
// was tried and the system's reason.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace grpo {

// The whole file. kNotFound where there is none; a folder is refused.
absl::StatusOr<std::string> ReadFile(const std::string& path);
// Empty where there is none.
absl::StatusOr<std::string> ReadFileIfThere(const std::string& path);

// Replaces `path` by these bytes in one step: a temporary file in the same folder, written, flushed
// to the disk and renamed, then the folder flushed. A reader, or the next start after a power cut,
// sees the old bytes or the new ones.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view bytes);

// Renames a finished file or folder into place and flushes the folder it lies in.
absl::Status RenameDurably(const std::string& from, const std::string& to);

// Makes the folder and those above it; fine where it already stands.
absl::Status MakeDirectories(const std::string& path);

// Names (not paths) of the entries, sorted by byte; without "." and "..".
absl::StatusOr<std::vector<std::string>> ListDirectory(const std::string& path);

// Removes a file, or a folder with all in it, without following symbolic links; fine where nothing
// is.
absl::Status RemoveTree(const std::string& path);

bool FileExists(const std::string& path);       // a regular file or a link to one
bool DirectoryExists(const std::string& path);  // a folder or a link to one

// A file that only grows, such as a run's metrics. Not safe to share among threads.
class AppendOnlyFile {
 public:
  // Opens or makes the file for writing at its end.
  static absl::StatusOr<std::unique_ptr<AppendOnlyFile>> Open(const std::string& path);
  ~AppendOnlyFile();
  AppendOnlyFile(const AppendOnlyFile&) = delete;
  AppendOnlyFile& operator=(const AppendOnlyFile&) = delete;

  // Hands the bytes to the operating system: they outlive this process, though not a power cut.
  absl::Status Append(absl::string_view bytes);
  // Makes what was appended outlive a power cut.
  absl::Status Sync();
  // Cuts the file back to its first `size` bytes (a resumed run drops what it will write again).
  // kOutOfRange where it is shorter.
  absl::Status TruncateTo(int64_t size);
  int64_t size() const { return size_; }  // bytes in the file

 private:
  AppendOnlyFile(std::string path, int descriptor, int64_t size)
      : path_(std::move(path)), descriptor_(descriptor), size_(size) {}

  std::string path_;
  int descriptor_;
  int64_t size_;
};

}  // namespace grpo
