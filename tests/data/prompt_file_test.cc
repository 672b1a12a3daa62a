#include "data/prompt_file.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/digest.h"
#include "data/file.h"
#include "tests/data/scratch_folder.h"

namespace grpo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PromptFileTest : public testing::Test {
 protected:
  PromptFileTest() { options_.path = folder_.Path("train.jsonl"); }

  absl::StatusOr<std::unique_ptr<PromptFile>> OpenText(const std::string& text) {
    EXPECT_TRUE(WriteFileAtomically(options_.path, text).ok());
    return PromptFile::Open(options_);
  }

  std::unique_ptr<PromptFile> OpenNumbered(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      absl::StrAppend(&text, "{\"prompt\":\"question ", i, "\",\"answer\":", i, "}\n");
    }
    auto file = OpenText(text);
    EXPECT_TRUE(file.ok()) << file.status();
    return *std::move(file);
  }

  std::string ErrorOf(const std::string& text) {
    return std::string(OpenText(text).status().message());
  }

  static std::vector<std::string> Answers(PromptFile& file, int count) {
    const auto prompts = file.Next(count);
    EXPECT_TRUE(prompts.ok()) << prompts.status();
    std::vector<std::string> answers;
    for (const Prompt& prompt : *prompts) answers.push_back(prompt.answer);
    return answers;
  }

  ScratchFolder folder_;
  PromptFileOptions options_;
};

TEST_F(PromptFileTest, ReadsTheFieldsOfARecord) {
  const auto file = OpenText(
      "\n{\"prompt\":\"Why?\",\"answer\":0.50,\"family\":\"f\",\"demonstration\":\"so\",\"id\":7,"
      "\"tags\":[1]}\n\n\n"
      "{\"prompt\":[{\"role\":\"user\",\"content\":\"How?\"}],\"answer\":\"thus\",\"family\":"
      "null}");
  ASSERT_TRUE(file.ok()) << file.status();
  const auto prompts = (*file)->ReadAll();
  ASSERT_TRUE(prompts.ok()) << prompts.status();
  ASSERT_EQ(prompts->size(), 2);
  const Prompt& first = (*prompts)[0];
  EXPECT_EQ(first.id, 0);
  EXPECT_EQ(first.name, "train.jsonl:2");
  EXPECT_EQ(first.text, "Why?");
  EXPECT_EQ(first.answer, "0.50");
  EXPECT_EQ(first.family, "f");
  EXPECT_EQ(first.demonstration, "so");
  EXPECT_EQ(first.metadata_json, "{\"id\":7,\"tags\":[1]}");
  const Prompt& second = (*prompts)[1];
  EXPECT_EQ(second.name, "train.jsonl:5");
  EXPECT_EQ(second.text, "How?");
  EXPECT_EQ(second.family, "");
  EXPECT_EQ(second.metadata_json, "{}");
  EXPECT_EQ((*file)->Count(), 2);
}

TEST_F(PromptFileTest, VisitsEveryRecordOnceAnEpochInAnotherOrder) {
  const auto file = OpenNumbered(20);
  const std::vector<std::string> first = Answers(*file, 20), second = Answers(*file, 20);
  EXPECT_EQ(std::set<std::string>(first.begin(), first.end()).size(), 20u);
  EXPECT_EQ(std::set<std::string>(second.begin(), second.end()).size(), 20u);
  EXPECT_NE(first, second);
  EXPECT_EQ(file->Next(1)->front().id, 40u);
}

TEST_F(PromptFileTest, DealsTheDrawsOutToRanks) {
  const auto whole = OpenNumbered(7);
  const std::vector<Prompt> all = *whole->Next(30);
  for (int rank = 0; rank < 3; ++rank) {
    options_.rank = rank;
    options_.world_size = 3;
    const auto part = OpenNumbered(7);
    const std::vector<Prompt> dealt = *part->Next(10);
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(dealt[i].id, static_cast<uint64_t>(3 * i + rank));
      EXPECT_EQ(dealt[i].name, all[3 * i + rank].name);
    }
  }
}

TEST_F(PromptFileTest, ContinuesFromACursor) {
  const auto file = OpenNumbered(5);
  ASSERT_TRUE(file->Next(8).ok());
  const std::string cursor = file->Cursor();
  EXPECT_EQ(cursor, absl::StrCat("{\"digest\":\"", file->digest(), "\",\"draw\":8}"));
  EXPECT_EQ(file->digest(), *Sha256OfFile(options_.path));
  const std::vector<std::string> next = Answers(*file, 9);
  const auto resumed = OpenNumbered(5);
  ASSERT_TRUE(resumed->Restore(cursor).ok());
  EXPECT_EQ(Answers(*resumed, 9), next);
}

TEST_F(PromptFileTest, RefusesTheCursorOfAChangedFileNamingBothDigests) {
  const auto old_file = OpenNumbered(5);
  const auto new_file = OpenNumbered(6);
  const absl::Status status = new_file->Restore(old_file->Cursor());
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(old_file->digest()), HasSubstr(new_file->digest())));
}

TEST_F(PromptFileTest, RefusesACursorThatIsNone) {
  const auto file = OpenNumbered(5);
  for (const char* cursor : {"", "[]", "{}", "{\"draw\":-1,\"digest\":\"\"}", "{\"draw\":1}",
                             "{\"draw\":1.5,\"digest\":\"\"}"}) {
    EXPECT_FALSE(file->Restore(cursor).ok()) << cursor;
  }
  options_.rank = 1;
  options_.world_size = 2;
  EXPECT_THAT(std::string(OpenNumbered(5)->Restore(file->Cursor()).message()),
              HasSubstr("does not belong to rank 1"));
}

TEST_F(PromptFileTest, NoticesAFileThatChangesUnderIt) {
  const auto file = OpenNumbered(5);
  const auto writer = *AppendOnlyFile::Open(options_.path);
  ASSERT_TRUE(writer->Append("{}\n").ok());
  EXPECT_THAT(std::string(file->Next(1).status().message()), HasSubstr("changed while"));
}

// A malformed file, and what the message must say.
TEST_F(PromptFileTest, RefusesMalformedRecordsNamingTheLine) {
  const std::string good = "{\"prompt\":\"p\",\"answer\":\"a\",\"id\":1}\n";
  const std::map<std::string, std::string> wrong = {
      {"{\"question\":\"p\",\"answer\":\"a\"}", "no \"prompt\" (it has: answer, question)"},
      {"{\"prompt\":\"p\"}", "no \"answer\""},
      {"{\"prompt\":3,\"answer\":\"a\"}", "found the number 3"},
      {"{\"prompt\":\" \\n\",\"answer\":\"a\"}", "\"prompt\" is empty"},
      {"{\"prompt\":\"p\",\"answer\":true}", "expected a string or a number, found true"},
      {"{\"prompt\":\"p\",\"answer\":null}", "expected a string or a number, found null"},
      {"{\"prompt\":\"p\",\"answer\":\"a\",\"family\":1}", "\"family\": expected a string"},
      {"{\"prompt\":\"p\",\"answer\":\"a\",\"demonstration\":[]}", "found a list"},
      {"{\"prompt\":\"p\",\"answer\":\"a\",\"id\":1}", "is that of line 1 too"},
      {"{\"prompt\":[],\"answer\":\"a\"}", "found 0 messages"},
      {"{\"prompt\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"u\"}]"
       ","
       "\"answer\":\"a\"}",
       "found 2 messages"},
      {"{\"prompt\":[{\"role\":\"assistant\",\"content\":\"s\"}],\"answer\":\"a\"}",
       "the role \"assistant\""},
      {"{\"prompt\":[{\"role\":\"user\",\"content\":[]}],\"answer\":\"a\"}",
       "a list as its content"},
      {"{\"prompt\":[\"p\"],\"answer\":\"a\"}", "found a string"},
      {"{\"prompt\":\"p\",\"answer\":\"a\"", "end of input"},
      {"[]", "found a list"},
  };
  for (const auto& [record, message] : wrong) {
    EXPECT_THAT(ErrorOf(good + "\n" + record + "\n"),
                AllOf(HasSubstr(options_.path + ":3"), HasSubstr(message)));
  }
}

TEST_F(PromptFileTest, RefusesAFileWithoutRecordsAndNoFile) {
  EXPECT_THAT(ErrorOf("\n \n"), HasSubstr("no records"));
  options_.path = folder_.Path("none.jsonl");
  EXPECT_TRUE(absl::IsNotFound(PromptFile::Open(options_).status()));
  options_.path = folder_.path();
  EXPECT_THAT(std::string(PromptFile::Open(options_).status().message()),
              HasSubstr("not a regular file"));
}

TEST_F(PromptFileTest, RefusesWrongOptions) {
  options_.require_demonstration = true;
  EXPECT_THAT(ErrorOf("{\"prompt\":\"p\",\"answer\":\"a\"}"), HasSubstr("no \"demonstration\""));
  options_.rank = 2;
  options_.world_size = 2;
  EXPECT_THAT(ErrorOf("{}"), HasSubstr("expected a rank from 0 to 1, found 2"));
  options_.rank = 0;
  options_.answer_field = options_.prompt_field;
  EXPECT_THAT(ErrorOf("{}"), HasSubstr("four different field names"));
}

}  // namespace
}  // namespace grpo
