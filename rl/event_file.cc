#include "rl/event_file.h"

#include <array>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include <unistd.h>

#include "data/status_macros.h"

namespace grpo {
namespace {

// Field numbers of tensorflow/core/util/event.proto and framework/summary.proto.
constexpr int kEventWallTime = 1;
constexpr int kEventStep = 2;
constexpr int kEventFileVersion = 3;
constexpr int kEventSummary = 5;
constexpr int kSummaryValue = 1;
constexpr int kValueTag = 1;
constexpr int kValueSimpleValue = 2;

// Protobuf's wire types.
enum class WireType { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::array<uint32_t, 256> MakeCrcTable() {
  constexpr uint32_t kReversedPolynomial = 0x82F63B78;
  std::array<uint32_t, 256> table;
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value >> 1) ^ ((value & 1) ? kReversedPolynomial : 0);
    }
    table[i] = value;
  }
  return table;
}

template <typename Integer>
void AppendLittleEndian(std::string& out, Integer value) {
  for (size_t i = 0; i < sizeof(Integer); ++i) out += static_cast<char>((value >> (8 * i)) & 0xFF);
}

void AppendVarint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7F) | 0x80);
  out += static_cast<char>(value);
}

void AppendTag(std::string& out, int field, WireType type) {
  AppendVarint(out, (static_cast<uint64_t>(field) << 3) | static_cast<uint64_t>(type));
}

void AppendBytes(std::string& out, int field, absl::string_view bytes) {
  AppendTag(out, field, WireType::kBytes);
  AppendVarint(out, bytes.size());
  out.append(bytes.data(), bytes.size());
}

void AppendDouble(std::string& out, int field, double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  AppendTag(out, field, WireType::kFixed64);
  AppendLittleEndian(out, bits);
}

void AppendFloat(std::string& out, int field, float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  AppendTag(out, field, WireType::kFixed32);
  AppendLittleEndian(out, bits);
}

double UnixSeconds(absl::Time time) { return absl::ToDoubleSeconds(time - absl::UnixEpoch()); }

std::string VersionEvent(absl::Time wall_time) {
  std::string event;
  AppendDouble(event, kEventWallTime, UnixSeconds(wall_time));
  AppendBytes(event, kEventFileVersion, "brain.Event:2");
  return event;
}

std::string HostName() {
  char name[256] = {};
  if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0') return "localhost";
  std::string host = name;
  for (char& c : host) {
    if (!absl::ascii_isalnum(c) && c != '-' && c != '.') c = '_';
  }
  return host;
}

}  // namespace

uint32_t Crc32c(absl::string_view bytes) {
  static const std::array<uint32_t, 256> table = MakeCrcTable();
  uint32_t crc = 0xFFFFFFFF;
  for (unsigned char byte : bytes) crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF];
  return ~crc;
}

uint32_t MaskedCrc32c(absl::string_view bytes) {
  const uint32_t crc = Crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8;
}

std::string TfRecord(absl::string_view payload) {
  std::string record;
  AppendLittleEndian(record, static_cast<uint64_t>(payload.size()));
  AppendLittleEndian(record, MaskedCrc32c(record));
  record.append(payload.data(), payload.size());
  AppendLittleEndian(record, MaskedCrc32c(payload));
  return record;
}

std::string ScalarEvent(absl::Time wall_time, int64_t step,
                        const std::vector<std::pair<std::string, double>>& scalars) {
  std::string summary;
  for (const auto& [tag, number] : scalars) {
    std::string value;
    AppendBytes(value, kValueTag, tag);
    AppendFloat(value, kValueSimpleValue, static_cast<float>(number));
    AppendBytes(summary, kSummaryValue, value);
  }
  std::string event;
  AppendDouble(event, kEventWallTime, UnixSeconds(wall_time));
  AppendTag(event, kEventStep, WireType::kVarint);
  AppendVarint(event, static_cast<uint64_t>(step));
  AppendBytes(event, kEventSummary, summary);
  return event;
}

std::string EventFileName(absl::Time time) {
  return absl::StrFormat("events.out.tfevents.%010d.%s", absl::ToUnixSeconds(time), HostName());
}

absl::StatusOr<std::unique_ptr<EventFile>> EventFile::Open(const std::string& path,
                                                           absl::Time now) {
  ASSIGN_OR_RETURN(std::unique_ptr<AppendOnlyFile> file, AppendOnlyFile::Open(path));
  if (file->size() == 0) RETURN_IF_ERROR(file->Append(TfRecord(VersionEvent(now))));
  return std::unique_ptr<EventFile>(new EventFile(std::move(file)));
}

absl::Status EventFile::Append(absl::Time wall_time, int64_t step,
                               const std::vector<std::pair<std::string, double>>& scalars) {
  return file_->Append(TfRecord(ScalarEvent(wall_time, step, scalars)));
}

}  // namespace grpo
