#include "policy/mapped_file.h"

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace grpo {

absl::StatusOr<std::unique_ptr<MappedFile>> MappedFile::Open(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot open to read weights"));
  }
  struct stat info;
  void* memory = MAP_FAILED;
  bool irregular = false;
  bool empty = false;
  if (fstat(descriptor, &info) == 0) {
    irregular = !S_ISREG(info.st_mode);
    empty = info.st_size == 0;
    if (!irregular && !empty) {
      memory = mmap(nullptr, info.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    }
  }
  const int error = errno;
  close(descriptor);
  if (irregular) return absl::InvalidArgumentError(absl::StrCat(path, ": is not a file of bytes"));
  if (empty) return absl::WrapUnique(new MappedFile(nullptr, 0));
  if (memory == MAP_FAILED) {
    return absl::ErrnoToStatus(error, absl::StrCat(path, ": cannot map into memory"));
  }
  return absl::WrapUnique(new MappedFile(memory, info.st_size));
}

MappedFile::~MappedFile() {
  if (memory_ != nullptr) munmap(memory_, size_);
}

void DropPages(absl::Span<const char> mapped) {
  static const uintptr_t page = sysconf(_SC_PAGESIZE);
  const uintptr_t begin = reinterpret_cast<uintptr_t>(mapped.data()) / page * page,
                  end = reinterpret_cast<uintptr_t>(mapped.data() + mapped.size());
  // A failure costs memory only.
  if (!mapped.empty()) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

void CopyMapped(absl::Span<const char> from, char* to) {
  while (!from.empty()) {
    const absl::Span<const char> stretch = from.subspan(0, kMappedStretch);
    std::memcpy(to, stretch.data(), stretch.size());
    DropPages(stretch);
    to += stretch.size();
    from.remove_prefix(stretch.size());
  }
}

}  // namespace grpo
