#include "data/json_lines.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/file.h"
#include "tests/data/scratch_folder.h"

namespace grpo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class JsonLinesTest : public testing::Test {
 protected:
  // All records, or the first error.
  absl::StatusOr<std::vector<JsonRecord>> ReadText(const std::string& text,
                                                   size_t max_line_bytes = 1000) {
    path_ = folder_.Path("f.jsonl");
    EXPECT_TRUE(WriteFileAtomically(path_, text).ok());
    auto reader = JsonLinesReader::Open(path_, max_line_bytes);
    if (!reader.ok()) return reader.status();
    std::vector<JsonRecord> records;
    while (true) {
      auto record = (*reader)->Next();
      if (!record.ok()) return record.status();
      if (!record->has_value()) return records;
      records.push_back(**record);
    }
  }

  std::string ErrorOf(const std::string& text) {
    return std::string(ReadText(text).status().message());
  }

  ScratchFolder folder_;
  std::string path_;
};

TEST_F(JsonLinesTest, SkipsBlankLinesByteOrderMarkAndCarriageReturns) {
  const auto records = ReadText("\xEF\xBB\xBF{\"a\":1}\r\n\n \t\r\n{\"a\":2}");
  ASSERT_TRUE(records.ok()) << records.status();
  ASSERT_EQ(records->size(), 2);
  EXPECT_EQ((*records)[0].value["a"], 1);
  EXPECT_EQ((*records)[0].line, 1);
  EXPECT_EQ((*records)[0].offset, 3);
  EXPECT_EQ((*records)[1].value["a"], 2);
  EXPECT_EQ((*records)[1].line, 4);
  EXPECT_EQ((*records)[1].offset, 17);
}

TEST_F(JsonLinesTest, ReadsAnEmptyFileAsNoRecords) {
  EXPECT_TRUE(ReadText("")->empty());
  EXPECT_TRUE(ReadText("\n\n")->empty());
}

TEST_F(JsonLinesTest, ReadsLinesThatSpanManyReads) {
  const std::string line = "{\"a\":\"" + std::string(700'000, 'x') + "\"}\n";
  const auto records = ReadText(line + line, 1'000'000);
  ASSERT_TRUE(records.ok()) << records.status();
  ASSERT_EQ(records->size(), 2);
  EXPECT_EQ((*records)[1].offset, line.size());
  EXPECT_EQ((*records)[1].value["a"].get<std::string>().size(), 700'000);
}

TEST_F(JsonLinesTest, NamesFileAndLineOfWhatIsNoJsonObject) {
  EXPECT_THAT(ErrorOf("{}\n\n[1]\n"), AllOf(HasSubstr(path_ + ":3: "), HasSubstr("a list")));
  EXPECT_THAT(ErrorOf("{}\n17\n"), HasSubstr("the number 17"));
  EXPECT_THAT(ErrorOf("{}\n{\"a\": \n"),
              AllOf(HasSubstr(path_ + ":2:"), HasSubstr("end of input")));
  EXPECT_THAT(ErrorOf("{\"a\": \"\xC3\"}\n"), AllOf(HasSubstr(path_ + ":1:"), HasSubstr("UTF-8")));
  EXPECT_THAT(ErrorOf(std::string("\0\0", 2)), HasSubstr(path_ + ":1:"));
  EXPECT_THAT(ErrorOf("prompt,answer\n"), HasSubstr(path_ + ":1:"));
}

TEST_F(JsonLinesTest, RefusesALineWithoutEnd) {
  EXPECT_THAT(ErrorOf("{}\n{\"a\":\"" + std::string(2000, 'x') + "\"}\n"),
              AllOf(HasSubstr(path_ + ":2:"), HasSubstr("longer than 1000 bytes")));
  EXPECT_THAT(ErrorOf(std::string(1'000'000, 'x')), HasSubstr("longer than 1000 bytes"));
}

TEST_F(JsonLinesTest, RefusesUtf16) {
  EXPECT_THAT(ErrorOf(std::string("\xFF\xFE{\0}\0", 6)), HasSubstr("UTF-16"));
}

TEST_F(JsonLinesTest, RefusesAMissingFileAndAFolder) {
  EXPECT_TRUE(absl::IsNotFound(JsonLinesReader::Open(folder_.Path("none")).status()));
  const auto reader = JsonLinesReader::Open(folder_.path());
  ASSERT_TRUE(reader.ok());
  EXPECT_FALSE((*reader)->Next().ok());
}

}  // namespace
}  // namespace grpo
