#include "data/gzip.h"

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include <zlib.h>

namespace grpo {

absl::StatusOr<GzipFile> OpenGzip(const std::string& path) {
  GzipFile file(gzopen(path.c_str(), "rbe"), gzclose_r);
  if (file == nullptr) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot open '", path, "'"));
  }
  return file;
}

absl::StatusOr<size_t> ReadGzip(gzFile_s* file, char* to, size_t size, const std::string& where) {
  const int count = gzread(file, to, static_cast<unsigned>(size));
  if (count > 0) return static_cast<size_t>(count);
  int code = Z_OK;
  const char* problem = gzerror(file, &code);
  if (code == Z_OK || code == Z_STREAM_END) return size_t{0};
  if (code == Z_ERRNO) return absl::ErrnoToStatus(errno, absl::StrCat(where, ": cannot be read"));
  return absl::DataLossError(
      absl::StrCat(where, ": cannot be decompressed: ",
                   code == Z_BUF_ERROR ? "the file ends within its compressed data" : problem,
                   "; fetch the file again"));
}

}  // namespace grpo
