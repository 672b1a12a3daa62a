#include "rl/score_record.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo {
namespace {

using testing::HasSubstr;

ScoreRecord Read(const std::string& text, bool audit = false) {
  const absl::StatusOr<ScoreRecord> record = ReadScoreRecord(text, 7, audit);
  EXPECT_TRUE(record.ok()) << record.status();
  return record.ok() ? *record : ScoreRecord();
}

std::string ErrorOf(const std::string& text, bool audit = false) {
  const absl::StatusOr<ScoreRecord> record = ReadScoreRecord(text, 7, audit);
  return record.ok() ? "no error" : std::string(record.status().message());
}

TEST(ScoreRecordTest, ReadsACompletionAlone) {
  const ScoreRecord record = Read(R"({"completion": "a\nb"})");
  EXPECT_EQ(record.id, 7);
  EXPECT_EQ(record.group.prompt.name, "line 7");
  EXPECT_EQ(record.group.prompt.id, 7u);
  EXPECT_EQ(record.group.prompt.answer, "");
  EXPECT_EQ(record.group.prompt.metadata_json, "{}");
  ASSERT_EQ(record.group.rollouts.size(), 1u);
  EXPECT_EQ(record.group.rollouts[0].text, "a\nb");
  EXPECT_EQ(record.max_tokens, 0);
  EXPECT_FALSE(record.passes.has_value());
}

TEST(ScoreRecordTest, ReadsWhatTheCheckersNeed) {
  const ScoreRecord record = Read(
      R"({"completion": "c", "answer": "1/2", "prompt": "p", "family": "math", "id": "x9",
          "num_tokens": 3, "max_tokens": 10, "finish": "length"})");
  EXPECT_EQ(record.id, "x9");
  EXPECT_EQ(record.group.prompt.name, "x9");
  EXPECT_EQ(record.group.prompt.answer, "1/2");
  EXPECT_EQ(record.group.prompt.text, "p");
  EXPECT_EQ(record.group.prompt.family, "math");
  EXPECT_EQ(record.group.rollouts[0].tokens.size(), 3u);
  EXPECT_EQ(record.group.rollouts[0].finish, FinishReason::kLength);
  EXPECT_EQ(record.max_tokens, 10);
  EXPECT_EQ(Read(R"({"completion": "", "prompt": [{"role": "user", "content": "hi"}]})")
                .group.prompt.text,
            "hi");
}

TEST(ScoreRecordTest, KeepsANumberAsItIsWritten) {
  EXPECT_EQ(Read(R"({"completion": "", "answer": 0.50})").group.prompt.answer, "0.50");
  EXPECT_EQ(Read(R"({"completion": "", "answer": 123456789012345678901})").group.prompt.answer,
            "123456789012345678901");
}

TEST(ScoreRecordTest, PutsEverythingElseIntoTheMetadata) {
  const ScoreRecord record = Read(
      R"({"completion": "", "answer": "1", "tests": {"kind": "stdio"}, "tools": [1],
          "instructions": ["a"], "anything": null, "metadata": {"level": 3, "tests": "older"},
          "expected": true})");
  EXPECT_EQ(nlohmann::json::parse(record.group.prompt.metadata_json),
            nlohmann::json::parse(R"({"tests": {"kind": "stdio"}, "tools": [1],
                "instructions": ["a"], "anything": null, "level": 3, "expected": true})"));
}

TEST(ScoreRecordTest, GivesTheRecordsOfAGroupOneId) {
  const auto id = [](const std::string& group) {
    return Read(R"({"completion": "", "group": )" + group + "}").group.prompt.id;
  };
  EXPECT_EQ(id("\"a\""), id("\"a\""));
  EXPECT_NE(id("\"a\""), id("\"b\""));
  EXPECT_EQ(id("12"), 12u);
  EXPECT_EQ(id("null"), 7u);
}

TEST(ScoreRecordTest, ReadsWhatAnAuditExpects) {
  EXPECT_EQ(Read(R"({"completion": "", "expected": true})", true).passes, true);
  EXPECT_EQ(Read(R"({"completion": "", "expected": false})", true).passes, false);
  EXPECT_EQ(Read(R"({"completion": "", "expected": 1})", true).passes, true);
  EXPECT_EQ(Read(R"({"completion": "", "expected": 0.5})", true).passes, false);
  EXPECT_FALSE(Read(R"({"completion": ""})", true).passes.has_value());
  // The checkers do not see it.
  EXPECT_EQ(Read(R"({"completion": "", "expected": 1})", true).group.prompt.metadata_json, "{}");
}

TEST(ScoreRecordTest, RefusesWithLineFieldAndFinding) {
  EXPECT_EQ(ErrorOf("{}"), "standard input:7: \"completion\": expected a text, found none");
  EXPECT_EQ(ErrorOf(R"({"completion": 3})"),
            "standard input:7: \"completion\": expected a text, found the number 3");
  const std::pair<const char*, const char*> wrong[] = {
      {R"("answer": [1])", "\"answer\": expected a text or a number, found a list"},
      {R"("answer": true)", "\"answer\": expected a text or a number"},
      {R"("prompt": {})", "\"prompt\": expected a text"},
      {R"("prompt": [])", "\"prompt\": expected a text or a list with one message"},
      {R"("prompt": [{"content": 3}])", "\"prompt\": expected a text or a list"},
      {R"("family": 3)", "\"family\": expected a text"},
      {R"("group": -3)", "\"group\": expected a text or an integer"},
      {R"("num_tokens": -1)", "\"num_tokens\": expected an integer from 0 to 4194304"},
      {R"("max_tokens": 1e9)", "\"max_tokens\": expected an integer"},
      {R"("finish": "eos")", "\"finish\": expected \"stop\" or \"length\""},
      {R"("metadata": "x")", "\"metadata\": expected an object"},
      {R"("expected": "yes")", "\"expected\": expected true, false or a number"},
  };
  for (const auto& [field, message] : wrong) {
    EXPECT_THAT(ErrorOf(std::string(R"({"completion": "", )") + field + "}", true),
                HasSubstr(message))
        << field;
  }
  for (const char* text :
       {"", "[]", "3", "{", "nonsense", R"({"completion": "a", "completion": "b"})",
        "{\"completion\": \"\xff\"}"}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr("standard input:7")) << text;
  }
}

Score ScoreOf(std::vector<RewardResult> results, double reward) {
  Score score;
  for (const RewardResult& result : results) {
    if (result.state == RewardState::kError) score.state = RewardState::kError;
    if (result.state == RewardState::kInvalid) score.state = RewardState::kInvalid;
  }
  score.reward = reward;
  score.results = std::move(results);
  return score;
}

TEST(ScoreRecordTest, WritesTheVerdict) {
  RewardResult result = RewardResult::Scored(0.5, "half \"right\"\n");
  result.parts = {{"name", 1}, {"values", 0}};
  result.microseconds = 12;
  EXPECT_EQ(ScoreRecordJson("x", ScoreOf({result}, 0.5), {"tool_calls"}),
            R"({"id":"x","score":0.5,"status":"scored","parts":{"name":1.0,"values":0.0},)"
            R"("reason":"half \"right\"\n","microseconds":12})");
  EXPECT_EQ(ScoreRecordJson(3, ScoreOf({RewardResult::Invalid("no truth")}, 0), {"a"}),
            R"({"id":3,"score":null,"status":"invalid","parts":{},"reason":"no truth",)"
            R"("microseconds":0})");
  EXPECT_EQ(ScoreRecordJson(nullptr, ScoreOf({RewardResult::Error("a: broken")}, 0), {"a"}),
            R"({"id":null,"score":null,"status":"error","parts":{},"reason":"a: broken",)"
            R"("microseconds":0})");
}

TEST(ScoreRecordTest, WritesTheScoresOfSeveralRewardsAsParts) {
  RewardResult tools = RewardResult::Scored(0.5, "half");
  tools.parts = {{"name", 1}};
  EXPECT_EQ(ScoreRecordJson(1,
                            ScoreOf({tools, RewardResult::NotApplicable("not for family \"x\""),
                                     RewardResult::Scored(-1, "long")},
                                    -0.5),
                            {"tools", "code", "length"}),
            R"({"id":1,"score":-0.5,"status":"scored",)"
            R"("parts":{"tools":0.5,"tools/name":1.0,"length":-1.0},)"
            R"("reason":"tools: half; code: not for family \"x\"; length: long",)"
            R"("microseconds":0})");
}

TEST(ScoreRecordTest, WritesReasonsThatAreNoUtf8) {
  const std::string text =
      ScoreRecordJson(1, ScoreOf({RewardResult::Scored(1, "a\xff z")}, 1), {"a"});
  EXPECT_TRUE(nlohmann::json::accept(text)) << text;
}

}  // namespace
}  // namespace grpo
