// JSON lines: one object a line, read one at a time, so that memory does not grow with the file.
// The file may be compressed by gzip.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "nlohmann/json.hpp"

struct gzFile_s;

namespace grpo {

// One object of the file.
struct JsonRecord {
  nlohmann::json value;                        // an object
  std::map<std::string, std::string> numbers;  // fields as they are written: see ParseJson
  int64_t line = 0;                            // from 1
  int64_t offset = 0;                          // byte (uncompressed) at which its text starts
};

// Parses the text of one line; `path` and `line` stand in messages.
absl::StatusOr<JsonRecord> ParseJsonLine(absl::string_view text, const std::string& path,
                                         int64_t line);

// Not safe to share among threads.
class JsonLinesReader {
 public:
  static constexpr size_t kMaxLineBytes = size_t{64} << 20;

  static absl::StatusOr<std::unique_ptr<JsonLinesReader>> Open(
      const std::string& path, size_t max_line_bytes = kMaxLineBytes);

  // The next object; nullopt at the end. Blank lines, a byte order mark at the start and carriage
  // returns at line ends are skipped. Errors name file, line and, in a line that is not JSON, the
  // column. kInvalidArgument is about that line alone: the next call goes on with the line after
  // it. After any other error the reader is of no further use.
  absl::StatusOr<absl::optional<JsonRecord>> Next();

 private:
  using File = std::unique_ptr<gzFile_s, int (*)(gzFile_s*)>;

  JsonLinesReader(std::string path, size_t max_line_bytes, File file)
      : path_(std::move(path)), max_line_bytes_(max_line_bytes), file_(std::move(file)) {}

  // Makes line_text_ the next line, without its end; false at the end of the file.
  absl::StatusOr<bool> ReadLine();
  // More bytes into buffer_; false at the end of the file.
  absl::StatusOr<bool> ReadMore();
  absl::Status StripByteOrderMark();

  std::string path_;
  size_t max_line_bytes_;
  File file_;
  std::string buffer_;  // bytes read and not yet handed out, from buffer_position_
  size_t buffer_position_ = 0;
  bool rest_of_line_ = false;  // the next bytes are those of a line that was given up
  int64_t line_ = 0;           // of line_text_
  int64_t next_offset_ = 0;    // of the line after line_text_
  int64_t offset_ = 0;         // of line_text_
  std::string line_text_;
};

}  // namespace grpo
