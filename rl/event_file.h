// TensorBoard's event files: TFRecord framing around protobuf Event messages, written by hand
// because two message types are all that scalars need.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "data/file.h"

namespace grpo {

// CRC-32C (Castagnoli, RFC 3720 B.4), and as TFRecord masks it: rotated right by 15 bits plus
// 0xa282ead8.
uint32_t Crc32c(absl::string_view bytes);
uint32_t MaskedCrc32c(absl::string_view bytes);

// One TFRecord: length (8 bytes, little-endian), its masked CRC, the payload, its masked CRC.
std::string TfRecord(absl::string_view payload);

// Scalars of one step as a serialised tensorflow.Event. Values narrow to float, TensorBoard's type.
std::string ScalarEvent(absl::Time wall_time, int64_t step,
                        const std::vector<std::pair<std::string, double>>& scalars);

// "events.out.tfevents.<seconds>.<host>", by which TensorBoard finds the file.
std::string EventFileName(absl::Time time);

// Not safe to share among threads.
class EventFile {
 public:
  // Opens the file, or makes it together with its first record, the format's version.
  static absl::StatusOr<std::unique_ptr<EventFile>> Open(const std::string& path, absl::Time now);

  absl::Status Append(absl::Time wall_time, int64_t step,
                      const std::vector<std::pair<std::string, double>>& scalars);
  absl::Status Sync() { return file_->Sync(); }
  // kOutOfRange where the file is shorter.
  absl::Status TruncateTo(int64_t size) { return file_->TruncateTo(size); }
  int64_t size() const { return file_->size(); }

 private:
  explicit EventFile(std::unique_ptr<AppendOnlyFile> file) : file_(std::move(file)) {}

  std::unique_ptr<AppendOnlyFile> file_;
};

}  // namespace grpo
