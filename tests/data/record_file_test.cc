#include "data/record_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "data/file.h"
#include "tests/data/scratch_folder.h"

namespace grpo {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Gzip(const std::string& text) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string bytes(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = text.size();
  stream.next_out = reinterpret_cast<Bytef*>(&bytes[0]);
  stream.avail_out = bytes.size();
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  bytes.resize(stream.total_out);
  deflateEnd(&stream);
  return bytes;
}

class RecordFileTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<RecordFile>> Open(const std::string& name,
                                                   const std::string& bytes) {
    path_ = folder_.Path(name);
    EXPECT_TRUE(WriteFileAtomically(path_, bytes).ok());
    return RecordFile::Open(path_);
  }

  // All records; those that are refused as texts.
  std::vector<json> Read(const std::string& name, const std::string& bytes) {
    auto file = Open(name, bytes);
    EXPECT_TRUE(file.ok()) << file.status();
    std::vector<json> records;
    while (true) {
      auto record = (*file)->Next();
      if (record.ok()) {
        if (!record->has_value()) return records;
        records.push_back((*record)->value);
      } else {
        records.push_back(std::string(record.status().message()));
        if (!absl::IsInvalidArgument(record.status())) return records;
      }
    }
  }

  std::string ErrorOf(const std::string& name, const std::string& bytes) {
    return std::string(Open(name, bytes).status().message());
  }

  ScratchFolder folder_;
  std::string path_;
};

const std::vector<json> kTwo = {{{"a", "1"}}, {{"a", "2"}}};

TEST_F(RecordFileTest, ReadsLinesListsAndCsvEachAlsoCompressed) {
  const std::string lines = "{\"a\": \"1\"}\n\n{\"a\": \"2\"}",
                    list = "[{\"a\": \"1\"}, {\"a\": \"2\"}]\n", csv = "a\n1\n2\n";
  EXPECT_EQ(Read("f.jsonl", lines), kTwo);
  EXPECT_EQ(Read("f.jsonl", "\xEF\xBB\xBF" + lines), kTwo);
  EXPECT_EQ(Read("f.json", list), kTwo);
  EXPECT_EQ(Read("f.json", "\xEF\xBB\xBF \n" + list), kTwo);
  EXPECT_EQ(Read("f.json", lines), kTwo);  // as BFCL names its JSON lines
  EXPECT_EQ(Read("f.csv", csv), kTwo);
  EXPECT_EQ(Read("f.jsonl.gz", Gzip(lines)), kTwo);
  EXPECT_EQ(Read("f.json.gz", Gzip(list)), kTwo);
  EXPECT_EQ(Read("f.csv.gz", Gzip(csv)), kTwo);
}

TEST_F(RecordFileTest, SaysWhereARecordStands) {
  auto lines = Open("f.jsonl", "\n{}\n");
  EXPECT_EQ((*(*lines)->Next())->where, path_ + ":2");
  auto list = Open("f.json", "[{}, {}]");
  ASSERT_TRUE((*list)->Next().ok());
  EXPECT_EQ((*(*list)->Next())->where, path_ + ": record 2");
  auto csv = Open("f.csv", "a,b\n\"x\ny\",1\n2,3\n");
  EXPECT_EQ((*(*csv)->Next())->where, path_ + ":2");
  EXPECT_EQ((*(*csv)->Next())->where, path_ + ":4");
}

TEST_F(RecordFileTest, GoesOnBehindABadRecord) {
  const auto lines =
      Read("f.jsonl", "{\"a\": \"1\"}\n{\"a\": \n[1]\n{\"a\": \"\xC3\"}\n{\"a\": \"2\"}\n");
  ASSERT_EQ(lines.size(), 5);
  EXPECT_EQ(lines[0], kTwo[0]);
  EXPECT_THAT(lines[1].get<std::string>(), HasSubstr(path_ + ":2:"));
  EXPECT_THAT(lines[2].get<std::string>(), HasSubstr(path_ + ":3: expected one JSON object"));
  EXPECT_THAT(lines[3].get<std::string>(), HasSubstr("UTF-8"));
  EXPECT_EQ(lines[4], kTwo[1]);
  const auto list = Read("f.json", "[{\"a\": \"1\"}, 7, {\"a\": \"2\"}]");
  ASSERT_EQ(list.size(), 3);
  EXPECT_THAT(list[1].get<std::string>(), AllOf(HasSubstr("record 2"), HasSubstr("the number 7")));
  const auto csv = Read("f.csv", "a\n1\n7,8\n\xC3\n2\n");
  ASSERT_EQ(csv.size(), 4);
  EXPECT_THAT(csv[1].get<std::string>(), AllOf(HasSubstr(":3: "), HasSubstr("found 2")));
  EXPECT_THAT(csv[2].get<std::string>(), AllOf(HasSubstr(":4: "), HasSubstr("not UTF-8")));
  EXPECT_EQ(csv[3], kTwo[1]);
}

TEST_F(RecordFileTest, GoesOnBehindALineThatIsTooLong) {
  const std::string huge = "{\"a\": \"" + std::string((64 << 20) + 300'000, 'x') + "\"}\n";
  const auto records = Read("f.jsonl.gz", Gzip("{\"a\": \"1\"}\n" + huge + "{\"a\": \"2\"}\n"));
  ASSERT_EQ(records.size(), 3);
  EXPECT_THAT(records[1].get<std::string>(), HasSubstr(path_ + ":2: the line is longer than"));
  EXPECT_EQ(records[2], kTwo[1]);
}

TEST_F(RecordFileTest, RefusesAFileThatIsCutOff) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "{\"a\": \"" + std::to_string(i * 7919 % 10007) + "\"}\n";
  const std::string bytes = Gzip(text);
  const auto records = Read("f.jsonl.gz", bytes.substr(0, bytes.size() / 2));
  EXPECT_GT(records.size(), 1000);
  EXPECT_THAT(
      records.back().get<std::string>(),
      AllOf(HasSubstr("the file ends within its compressed data"), HasSubstr("after line")));
  EXPECT_THAT(ErrorOf("g.csv.gz", Gzip("a\n1\n").substr(0, 15)), HasSubstr("compressed data"));
}

TEST_F(RecordFileTest, RefusesAFileOfNoRecords) {
  EXPECT_THAT(ErrorOf("f.jsonl", ""), HasSubstr("empty"));
  EXPECT_THAT(ErrorOf("f.csv", " \n\n"), HasSubstr("empty"));
  EXPECT_THAT(ErrorOf("f.csv", "\"\"\n"), HasSubstr("expected a header"));
  EXPECT_THAT(ErrorOf("f.json", "[{\"a\": 1}, {\"a\": 2}"), HasSubstr("f.json:1:20: "));
  EXPECT_THAT(ErrorOf("f.parquet", "PAR1 and more"), HasSubstr("Parquet"));
  EXPECT_THAT(ErrorOf("f.csv", "a,a\n1,2\n"), HasSubstr("stands twice"));
  EXPECT_FALSE(RecordFile::Open(folder_.Path("none")).ok());
  EXPECT_FALSE(RecordFile::Open(folder_.path()).ok());
}

std::vector<std::vector<std::string>> Rows(const std::string& text) {
  const auto rows = ParseCsv(text, "f.csv");
  EXPECT_TRUE(rows.ok()) << rows.status();
  std::vector<std::vector<std::string>> cells;
  for (const CsvRow& row : *rows) cells.push_back(row.cells);
  return cells;
}

TEST(CsvTest, CellsInQuotesHoldCommasLineEndsAndQuotes) {
  using Cells = std::vector<std::vector<std::string>>;
  EXPECT_EQ(Rows("a,b\r\n\"1,\n\"\"2\"\"\",\r\n"), (Cells{{"a", "b"}, {"1,\n\"2\"", ""}}));
  EXPECT_EQ(Rows("a,\n,b"), (Cells{{"a", ""}, {"", "b"}}));
  EXPECT_EQ(Rows("a,"), (Cells{{"a", ""}}));
  EXPECT_EQ(Rows("\"a\"\r\n\n b \"c\" "), (Cells{{"a"}, {" b \"c\" "}}));
  EXPECT_EQ(Rows(""), Cells());
}

TEST(CsvTest, RefusesQuotesThatDoNotMatch) {
  EXPECT_THAT(std::string(ParseCsv("a\n1\n\"x\n", "f.csv").status().message()),
              AllOf(HasSubstr("f.csv:3: "), HasSubstr("not closed")));
  EXPECT_THAT(std::string(ParseCsv("a\n\"x\"y\n", "f.csv").status().message()),
              AllOf(HasSubstr("f.csv:2: "), HasSubstr("found y")));
}

}  // namespace
}  // namespace grpo
