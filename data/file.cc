#include "data/file.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/status_macros.h"

namespace grpo {
namespace {

constexpr mode_t kFileMode = 0644, kDirectoryMode = 0755;

// errno as a status; `action` completes "cannot ...".
absl::Status SystemError(absl::string_view action, const std::string& path) {
  const int error = errno;
  return absl::ErrnoToStatus(error, absl::StrCat("cannot ", action, " '", path, "'"));
}

// Closes its descriptor when it goes out of scope.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  int Release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

// write() in full: it may write less than asked, or be interrupted by a signal.
bool WriteAll(int descriptor, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(written);
  }
  return true;
}

std::string ParentOf(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  const size_t slash = end == std::string::npos ? end : path.rfind('/', end);
  if (slash == std::string::npos) return path.empty() || path[0] != '/' ? "." : "/";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status SyncDirectory(const std::string& path) {
  Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return SystemError("open the folder", path);
  // EINVAL: a file system that has nothing to flush for a folder.
  if (fsync(directory.get()) != 0 && errno != EINVAL) return SystemError("flush the folder", path);
  return absl::OkStatus();
}

absl::Status WriteAndSync(const std::string& path, absl::string_view bytes) {
  Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
  if (file.get() < 0) return SystemError("create", path);
  if (!WriteAll(file.get(), bytes)) return SystemError("write", path);
  if (fsync(file.get()) != 0) return SystemError("flush", path);
  if (close(file.Release()) != 0) return SystemError("close", path);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return SystemError("open", path);
  struct stat information;
  if (fstat(file.get(), &information) != 0) return SystemError("examine", path);
  std::string bytes;
  // The size is a hint only: a pipe or a file under /proc reports 0.
  if (S_ISREG(information.st_mode)) bytes.reserve(information.st_size);
  std::vector<char> chunk(1 << 18);
  while (true) {
    const ssize_t count = read(file.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError("read", path);
    if (count == 0) return bytes;
    bytes.append(chunk.data(), count);
  }
}

absl::StatusOr<std::string> ReadFileIfThere(const std::string& path) {
  auto text = ReadFile(path);
  if (absl::IsNotFound(text.status())) return std::string();
  return text;
}

absl::Status WriteFileAtomically(const std::string& path, absl::string_view bytes) {
  static std::atomic<uint64_t> serial{0};
  const std::string temporary = absl::StrCat(path, ".tmp.", getpid(), ".", serial.fetch_add(1));
  unlink(temporary.c_str());  // left by a killed process that had our number
  absl::Status status = WriteAndSync(temporary, bytes);
  if (status.ok()) status = RenameDurably(temporary, path);
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

absl::Status RenameDurably(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) {
    return SystemError(absl::StrCat("rename '", from, "' to"), to);
  }
  return SyncDirectory(ParentOf(to));
}

absl::Status MakeDirectories(const std::string& path) {
  if (path.empty()) return absl::InvalidArgumentError("cannot make a folder: its path is empty");
  if (DirectoryExists(path)) return absl::OkStatus();
  const std::string parent = ParentOf(path);
  if (parent != path && parent != ".") RETURN_IF_ERROR(MakeDirectories(parent));
  if (mkdir(path.c_str(), kDirectoryMode) == 0) return absl::OkStatus();
  // Another process may have made it in the meantime.
  if (errno == EEXIST && DirectoryExists(path)) return absl::OkStatus();
  return SystemError("make the folder", path);
}

absl::StatusOr<std::vector<std::string>> ListDirectory(const std::string& path) {
  DIR* directory = opendir(path.c_str());
  if (directory == nullptr) return SystemError("list the folder", path);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(directory)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  const absl::Status status = errno == 0 ? absl::OkStatus() : SystemError("list the folder", path);
  closedir(directory);
  if (!status.ok()) return status;
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status RemoveTree(const std::string& path) {
  struct stat information;
  if (lstat(path.c_str(), &information) != 0) {
    return errno == ENOENT ? absl::OkStatus() : SystemError("examine", path);
  }
  if (!S_ISDIR(information.st_mode)) {
    return unlink(path.c_str()) == 0 ? absl::OkStatus() : SystemError("remove", path);
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(path));
  for (const std::string& name : names) RETURN_IF_ERROR(RemoveTree(absl::StrCat(path, "/", name)));
  return rmdir(path.c_str()) == 0 ? absl::OkStatus() : SystemError("remove the folder", path);
}

bool FileExists(const std::string& path) {
  struct stat information;
  return stat(path.c_str(), &information) == 0 && S_ISREG(information.st_mode);
}

bool DirectoryExists(const std::string& path) {
  struct stat information;
  return stat(path.c_str(), &information) == 0 && S_ISDIR(information.st_mode);
}

absl::StatusOr<std::unique_ptr<AppendOnlyFile>> AppendOnlyFile::Open(const std::string& path) {
  Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kFileMode));
  if (file.get() < 0) return SystemError("open for appending", path);
  struct stat information;
  if (fstat(file.get(), &information) != 0) return SystemError("examine", path);
  return std::unique_ptr<AppendOnlyFile>(
      new AppendOnlyFile(path, file.Release(), information.st_size));
}

AppendOnlyFile::~AppendOnlyFile() { close(descriptor_); }

absl::Status AppendOnlyFile::Append(absl::string_view bytes) {
  if (!WriteAll(descriptor_, bytes)) return SystemError("append to", path_);
  size_ += bytes.size();
  return absl::OkStatus();
}

absl::Status AppendOnlyFile::Sync() {
  return fsync(descriptor_) == 0 ? absl::OkStatus() : SystemError("flush", path_);
}

absl::Status AppendOnlyFile::TruncateTo(int64_t size) {
  if (size < 0 || size > size_) {
    return absl::OutOfRangeError(absl::StrCat("cannot cut '", path_, "' back to ", size,
                                              " bytes: it has ", size_,
                                              "; it was changed since that position was noted"));
  }
  if (ftruncate(descriptor_, size) != 0) return SystemError("cut back", path_);
  size_ = size;
  return absl::OkStatus();
}

}  // namespace grpo
