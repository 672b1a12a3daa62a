// Reads files that may be compressed by gzip.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

struct gzFile_s;

namespace grpo {

using GzipFile = std::unique_ptr<gzFile_s, int (*)(gzFile_s*)>;

// A file that is not compressed is read as it is.
absl::StatusOr<GzipFile> OpenGzip(const std::string& path);

// Up to `size` bytes, uncompressed; 0 at the end. kDataLoss, with `where` in front, where they
// cannot be decompressed or the file was cut off.
absl::StatusOr<size_t> ReadGzip(gzFile_s* file, char* to, size_t size, const std::string& where);

}  // namespace grpo
