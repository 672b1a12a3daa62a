#include "rl/event_file.h"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/file.h"

namespace grpo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;

template <typename T>
T Take(absl::string_view& bytes) {
  T value = {};
  EXPECT_GE(bytes.size(), sizeof(T));
  std::memcpy(&value, bytes.data(), sizeof(T));
  bytes.remove_prefix(sizeof(T));
  return value;
}

// The payloads of a file of TFRecords, their checksums verified.
std::vector<std::string> Payloads(absl::string_view file) {
  std::vector<std::string> payloads;
  while (!file.empty()) {
    const uint32_t length_crc = MaskedCrc32c(file.substr(0, 8));
    const uint64_t length = Take<uint64_t>(file);
    EXPECT_EQ(Take<uint32_t>(file), length_crc);
    payloads.emplace_back(file.substr(0, length));
    file.remove_prefix(length);
    EXPECT_EQ(Take<uint32_t>(file), MaskedCrc32c(payloads.back()));
  }
  return payloads;
}

uint64_t TakeVarint(absl::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const uint8_t byte = Take<uint8_t>(bytes);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
}

struct ParsedEvent {
  double wall_time = 0;
  uint64_t step = 0;
  std::string file_version;
  std::vector<std::pair<std::string, float>> scalars;
};

absl::string_view TakeBytes(absl::string_view& bytes) {
  const uint64_t size = TakeVarint(bytes);
  const absl::string_view result = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return result;
}

ParsedEvent ParseEvent(absl::string_view bytes) {
  ParsedEvent event;
  while (!bytes.empty()) {
    switch (TakeVarint(bytes)) {
      case (1 << 3) | 1:
        event.wall_time = Take<double>(bytes);
        break;
      case 2 << 3:
        event.step = TakeVarint(bytes);
        break;
      case (3 << 3) | 2:
        event.file_version = std::string(TakeBytes(bytes));
        break;
      case (5 << 3) | 2:
        for (absl::string_view summary = TakeBytes(bytes); !summary.empty();) {
          EXPECT_EQ(TakeVarint(summary), (1u << 3) | 2);
          absl::string_view value = TakeBytes(summary);
          EXPECT_EQ(TakeVarint(value), (1u << 3) | 2);
          const std::string tag(TakeBytes(value));
          EXPECT_EQ(TakeVarint(value), (2u << 3) | 5);
          event.scalars.emplace_back(tag, Take<float>(value));
          EXPECT_TRUE(value.empty());
        }
        break;
      default:
        ADD_FAILURE() << "unknown field";
        return event;
    }
  }
  return event;
}

TEST(EventFileTest, TheChecksumGivesThePublishedValues) {
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283u);
  // RFC 3720 B.4.
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62A8AB43u);
  std::string rising, falling;
  for (int i = 0; i < 32; ++i) {
    rising += static_cast<char>(i);
    falling += static_cast<char>(31 - i);
  }
  EXPECT_EQ(Crc32c(rising), 0x46DD794Eu);
  EXPECT_EQ(Crc32c(falling), 0x113FDB5Cu);
  EXPECT_EQ(Crc32c(""), 0u);
  EXPECT_EQ(MaskedCrc32c(""), 0xA282EAD8u);
}

TEST(EventFileTest, ReadsBackWhatWasWritten) {
  const std::string path = testing::TempDir() + "/events_read_back";
  ASSERT_TRUE(RemoveTree(path).ok());
  auto file = EventFile::Open(path, absl::FromUnixSeconds(1700000000));
  ASSERT_TRUE(file.ok()) << file.status();
  const std::string long_tag(300, 'x');
  ASSERT_TRUE(
      (*file)
          ->Append(absl::FromUnixMillis(1700000000500), 3, {{"reward/mean", 0.5}, {long_tag, -1e9}})
          .ok());
  ASSERT_TRUE((*file)->Append(absl::FromUnixSeconds(1700000001), 300000, {}).ok());
  const absl::StatusOr<std::string> bytes = ReadFile(path);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(static_cast<int64_t>(bytes->size()), (*file)->size());
  const std::vector<std::string> payloads = Payloads(*bytes);
  ASSERT_EQ(payloads.size(), 3u);
  EXPECT_EQ(ParseEvent(payloads[0]).file_version, "brain.Event:2");
  EXPECT_EQ(ParseEvent(payloads[0]).wall_time, 1700000000.0);
  const ParsedEvent event = ParseEvent(payloads[1]);
  EXPECT_EQ(event.wall_time, 1700000000.5);
  EXPECT_EQ(event.step, 3u);
  EXPECT_THAT(event.scalars, ElementsAre(Pair("reward/mean", 0.5f), Pair(long_tag, -1e9f)));
  EXPECT_EQ(ParseEvent(payloads[2]).step, 300000u);
}

TEST(EventFileTest, WritesTheVersionOnce) {
  const std::string path = testing::TempDir() + "/events_version";
  ASSERT_TRUE(RemoveTree(path).ok());
  for (int i = 0; i < 2; ++i) {
    auto file = EventFile::Open(path, absl::UnixEpoch());
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE((*file)->Append(absl::UnixEpoch(), i, {{"a", 1}}).ok());
  }
  EXPECT_EQ(Payloads(*ReadFile(path)).size(), 3u);
}

TEST(EventFileTest, TheNameHoldsTheSecondsAndAHost) {
  const std::string name = EventFileName(absl::FromUnixSeconds(1700000000));
  EXPECT_THAT(name, StartsWith("events.out.tfevents.1700000000."));
  EXPECT_EQ(name.find('/'), std::string::npos);
  EXPECT_GT(name.size(), std::string("events.out.tfevents.1700000000.").size());
}

}  // namespace
}  // namespace grpo
