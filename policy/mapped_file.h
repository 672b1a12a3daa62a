// A file's bytes in memory, for as long as the object lives. The file must not be cut short
// meanwhile.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace grpo {

class MappedFile {
 public:
  // An error names the file. A folder or a device is kInvalidArgument; an empty file is fine.
  static absl::StatusOr<std::unique_ptr<MappedFile>> Open(const std::string& path);

  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  absl::Span<const char> bytes() const { return {static_cast<const char*>(memory_), size_}; }

 private:
  MappedFile(void* memory, size_t size) : memory_(memory), size_(size) {}

  void* const memory_;  // null where the file is empty
  const size_t size_;
};

// Copies out of a mapped file, a stretch at a time, and gives each stretch's memory back behind it:
// what was read once does not count twice. The mapping stays valid.
void CopyMapped(absl::Span<const char> from, char* to);

// Bytes to read before their memory is given back. The system maps some pages around each that is
// touched, also behind the last stretch: short stretches would leave much of the file in memory.
constexpr size_t kMappedStretch = 4 << 20;

// The memory that holds these mapped bytes goes back to the system; who reads them again gets them
// from the file.
void DropPages(absl::Span<const char> mapped);

}  // namespace grpo
