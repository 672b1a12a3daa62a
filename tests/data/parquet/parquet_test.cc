// Parquet files written by pyarrow (tests/golden/make_parquet_golden.py).
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/file.h"
#include "data/parquet/load_parquet.h"
#include "tests/data/scratch_folder.h"

namespace grpo {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Golden(const std::string& name) {
  return std::string(GRPO_SOURCE_DIR) + "/tests/golden/parquet/" + name;
}

// The records of a file that opens; those that are refused as texts.
std::vector<json> Read(const std::string& path) {
  auto file = RecordFile::Open(path);
  EXPECT_TRUE(file.ok()) << file.status();
  std::vector<json> records;
  if (!file.ok()) return records;
  while (true) {
    auto record = (*file)->Next();
    if (record.ok() && !record->has_value()) return records;
    records.push_back(record.ok() ? (*record)->value : json(record.status().message()));
    if (!record.ok() && !absl::IsInvalidArgument(record.status())) return records;
  }
}

class ParquetTest : public testing::Test {
 protected:
  void SetUp() override {
    if (dlopen(kParquetLibrary, RTLD_NOW | RTLD_LOCAL) == nullptr) {
      GTEST_SKIP() << "built without Arrow: " << dlerror();
    }
  }

  ScratchFolder folder_;
};

TEST_F(ParquetTest, ReadsColumnsOfEveryKindFromAllRowGroups) {
  const std::vector<json> records = Read(Golden("kinds.parquet"));
  ASSERT_EQ(records.size(), 600u);
  const json expected = json::parse(*ReadFile(Golden("records.json")));
  ASSERT_EQ(expected.size(), 11u);
  for (const auto& [row, record] : expected.items()) {
    EXPECT_EQ(records[std::stoul(row)], record) << "record " << row;
  }
}

TEST_F(ParquetTest, ReadsOtherCompressionAndPageVersions) {
  const std::vector<json> records = Read(Golden("snappy.parquet"));
  const json expected = json::parse(*ReadFile(Golden("records.json")));
  ASSERT_EQ(records.size(), 5u);
  for (size_t i = 0; i < records.size(); ++i) EXPECT_EQ(records[i], expected[std::to_string(i)]);
  EXPECT_TRUE(Read(Golden("empty.parquet")).empty());
}

TEST_F(ParquetTest, NamesFileAndRecordOfBytesThatAreNoTextAndGoesOn) {
  const std::vector<json> records = Read(Golden("bytes.parquet"));
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0]["text"], "good");
  EXPECT_THAT(records[1].get<std::string>(),
              AllOf(HasSubstr("bytes.parquet: record 2: column \"text\""), HasSubstr("UTF-8")));
  EXPECT_EQ(records[2]["text"], "good again");
}

TEST_F(ParquetTest, SaysOfADamagedFileThatItIsDamaged) {
  const std::string bytes = *ReadFile(Golden("snappy.parquet"));
  for (const size_t size : {size_t{4}, size_t{12}, bytes.size() / 2, bytes.size() - 1}) {
    const std::string path = folder_.Path("cut.parquet");
    ASSERT_TRUE(WriteFileAtomically(path, bytes.substr(0, size)).ok());
    const auto file = RecordFile::Open(path);
    EXPECT_TRUE(absl::IsDataLoss(file.status())) << size << " bytes: " << file.status();
    EXPECT_THAT(std::string(file.status().message()), HasSubstr("cut.parquet: no sound Parquet"));
  }
}

TEST_F(ParquetTest, NoChangedByteCrashesOrHangs) {
  const std::string bytes = *ReadFile(Golden("snappy.parquet"));
  const std::string path = folder_.Path("changed.parquet");
  for (size_t at = 4; at < bytes.size(); at += 11) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0x55);
    ASSERT_TRUE(WriteFileAtomically(path, changed).ok());
    auto file = RecordFile::Open(path);
    for (int i = 0; i < 10 && file.ok(); ++i) {
      const auto record = (*file)->Next();
      if (!record.ok() && !absl::IsInvalidArgument(record.status())) break;
      if (record.ok() && !record->has_value()) break;
    }
  }
}

TEST(ParquetLoaderTest, SaysHowToGoOnWithoutTheLibrary) {
  const auto file = OpenParquet("data.parquet", "libno_such_library.so");
  EXPECT_TRUE(absl::IsUnimplemented(file.status()));
  EXPECT_THAT(std::string(file.status().message()),
              AllOf(HasSubstr("data.parquet"), HasSubstr("libno_such_library.so"),
                    HasSubstr("read_parquet")));
}

}  // namespace
}  // namespace grpo
