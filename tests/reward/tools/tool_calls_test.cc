#include "reward/tools/tool_calls.h"

#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>

namespace grpo {
namespace {

constexpr char kTools[] = R"([
  {"type": "function", "function": {"name": "weather", "parameters": {"type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"},
                   "scale": {"type": "number"}}, "required": ["city"]}}},
  {"type": "function", "function": {"name": "now", "parameters": {"type": "object",
    "properties": {}}}}])";

Prompt Task(const std::string& expected, const std::string& tools = kTools) {
  Prompt prompt;
  prompt.name = "test/1";
  prompt.answer = expected;
  prompt.metadata_json = absl::StrCat(R"({"tools": )", tools, "}");
  return prompt;
}

RewardResult Judge(const Prompt& prompt, const std::string& completion,
                   const ToolCallsOptions& options = {}) {
  return NewToolCalls(options)->Score({prompt, completion}, Deadline::Never());
}

double Score(const std::string& expected, const std::string& completion,
             const ToolCallsOptions& options = {}) {
  const RewardResult result = Judge(Task(expected), completion, options);
  EXPECT_EQ(result.state, RewardState::kScored) << result.reason;
  EXPECT_FALSE(result.reason.empty());
  return result.score;
}

constexpr char kParis[] = R"([{"name": "weather", "arguments": {"city": "Paris", "days": 2}}])";
constexpr char kParisBfcl[] =
    R"([{"weather": {"city": ["Paris", "Paris, France"], "days": [2, ""]}}])";

TEST(ToolCallsTest, TakesTheCallInEachForm) {
  for (const char* completion :
       {kParis, "[weather(city='Paris', days=2)]", "weather(city=\"Paris\", days=2)",
        "<tool_call>{\"name\": \"weather\", \"arguments\": {\"days\": 2, \"city\": \"Paris\"}}"
        "</tool_call>",
        "<function=weather><parameter=city>Paris</parameter><parameter=days>2</parameter></"
        "function>",
        "<invoke name=\"weather\"><parameter name=\"city\">Paris</parameter>"
        "<parameter name=\"days\">2</parameter></invoke>",
        "<think>I need the weather.</think>\n[weather(city='Paris', days=2)]",
        R"({"tool_calls": [{"function": {"name": "weather",
            "arguments": "{\"city\": \"Paris\", \"days\": 2}"}}]})"}) {
    EXPECT_EQ(Score(kParis, completion), 1) << completion;
    EXPECT_EQ(Score(kParisBfcl, completion), 1) << completion;
  }
}

TEST(ToolCallsTest, RefusesWrongCalls) {
  for (const char* completion :
       {"", "It is sunny.", "[weather(city='Rome', days=2)]", "[weather(city='paris', days=2)]",
        "[weather(city='Paris', days=3)]", "[weather(city='Paris', days='2')]",
        "[weather(city='Paris', days=2.0)]", "[weather(city='Paris', days=True)]",
        "[weather(days=2)]", "[weather(city='Paris', days=2, extra=1)]", "[now()]",
        "[forecast(city='Paris', days=2)]", "[Weather(city='Paris', days=2)]",
        "<tool_call>weather(city='Paris', days=2)</tool_call>"}) {
    EXPECT_EQ(Score(kParis, completion), 0) << completion;
    EXPECT_EQ(Score(kParisBfcl, completion), 0) << completion;
  }
  EXPECT_EQ(Score(kParis, "[weather(city='Paris')]"), 0);
}

TEST(ToolCallsTest, TakesOptionalArgumentsAndAllowedValues) {
  EXPECT_EQ(Score(kParisBfcl, "[weather(city='Paris')]"), 1);
  EXPECT_EQ(Score(kParisBfcl, "[weather(city='Paris, France', days=2)]"), 1);
  EXPECT_EQ(Score(kParisBfcl, "[weather(city='Paris', days='')]"), 0);
}

TEST(ToolCallsTest, ComparesNumbersByTheSchema) {
  const char* expected = R"([{"name": "weather", "arguments": {"city": "x", "scale": 2}}])";
  EXPECT_EQ(Score(expected, "[weather(city='x', scale=2.0)]"), 1);
  EXPECT_EQ(Score(expected, "[weather(city='x', scale=2)]"), 1);
  EXPECT_EQ(Score(expected, "[weather(city='x', scale=True)]"), 0);
}

TEST(ToolCallsTest, TakesStringsByTheOption) {
  ToolCallsOptions options;
  options.strings = "folded";
  EXPECT_EQ(Score(kParis, "[weather(city=' PARIS ', days=2)]", options), 1);
  EXPECT_EQ(Score(kParis, "[weather(city='Rome', days=2)]", options), 0);
}

TEST(ToolCallsTest, TakesParallelCallsInAnyOrder) {
  const char* expected = R"([{"weather": {"city": ["a", "b"]}}, {"weather": {"city": ["a"]}},
                             {"now": {}}])";
  EXPECT_EQ(Score(expected, "[weather(city='a'), weather(city='b'), now()]"), 1);
  EXPECT_EQ(Score(expected, "[now(), weather(city='b'), weather(city='a')]"), 1);
  EXPECT_EQ(Score(expected, "[now(), weather(city='a'), weather(city='a')]"), 1);
  EXPECT_EQ(Score(expected, "[now(), weather(city='b'), weather(city='b')]"), 0);
  EXPECT_EQ(Score(expected, "[now(), weather(city='a')]"), 0);
}

TEST(ToolCallsTest, GuessingDoesNotPay) {
  const std::string right = "[weather(city='Paris', days=2)]";
  const std::string wrong = "[weather(city='Rome', days=2)]";
  ToolCallsOptions partial;
  partial.partial = true;
  for (const std::string& completion :
       {right + "\n" + wrong, wrong + "\n" + right, right + "\n" + right,
        std::string("[weather(city='Paris', days=2), weather(city='Rome', days=2)]"),
        right + "\n<tool_call>{\"name\": \"weather\", \"arguments\": {\"city\": "
                "\"Paris\"}}</tool_call>",
        right + "\n<tool_call>broken</tool_call>", "<think>" + right + "</think>",
        "<think>x</think>Done.<think>" + right, "</think>" + right + "</think>\n" + wrong}) {
    EXPECT_EQ(Score(kParis, completion), 0) << completion;
    EXPECT_EQ(Score(kParis, completion, partial), 0) << completion;
  }
  EXPECT_EQ(Score(kParis, "<think>" + wrong + "</think>" + right), 1);
}

TEST(ToolCallsTest, ExpectsNoCallWhereNoneIsDue) {
  EXPECT_EQ(Score("[]", "I cannot look that up with these tools."), 1);
  EXPECT_EQ(Score("[]", "<think>weather(city='x')?</think>No tool fits."), 1);
  for (const char* completion :
       {"[now()]", "<tool_call>", "<function=now></function>", "", "  \n", "<think>no</think>",
        "No tool fits.\n[now()]", R"({"name": "other", "arguments": {}})"}) {
    EXPECT_EQ(Score("[]", completion), 0) << completion;
  }
}

TEST(ToolCallsTest, ScoresThePartsApart) {
  const RewardResult result = Judge(Task(kParis), "[weather(city='Paris', days=3, extra=1)]");
  const std::vector<std::pair<std::string, double>> expected = {
      {"parse", 1}, {"name", 1}, {"keys", 2.0 / 3}, {"values", 1.0 / 3}};
  EXPECT_EQ(result.parts, expected);
  EXPECT_EQ(result.score, 0);
  ToolCallsOptions partial;
  partial.partial = true;
  EXPECT_EQ(Judge(Task(kParis), "[weather(city='Paris', days=3, extra=1)]", partial).score, 0.75);
  EXPECT_EQ(Judge(Task(kParis), "[now()]", partial).score, 0.25);
  EXPECT_EQ(Judge(Task(kParis), kParis, partial).score, 1);
  EXPECT_EQ(Judge(Task(kParis), "no call", partial).score, 0);
}

TEST(ToolCallsTest, PairsCallsSoThatTheirPartsAreBest) {
  const char* expected = R"([{"weather": {"city": ["a"], "days": [1]}},
                             {"weather": {"city": ["b"], "days": [2]}}])";
  const RewardResult result =
      Judge(Task(expected), "[weather(city='b', days=2), weather(city='x', days=1)]");
  EXPECT_EQ(result.parts.back().second, 0.75);
  EXPECT_EQ(result.reason, "1 of 2 calls right");
}

TEST(ToolCallsTest, WorksWithoutDefinitions) {
  Prompt prompt;
  prompt.answer = R"({"name": "f", "arguments": {"x": 1}})";
  EXPECT_EQ(Judge(prompt, "[f(x=1)]").score, 1);
  EXPECT_EQ(Judge(prompt, "[f(x=1.0)]").score, 0);
  EXPECT_EQ(Judge(prompt, "<function=f><parameter=x>1</parameter></function>").score, 1);
}

TEST(ToolCallsTest, PrefersExpectedCallsOfTheMetadata) {
  Prompt prompt;
  prompt.answer = "It is sunny.";
  prompt.metadata_json = R"({"expected_calls": [{"name": "now", "arguments": {}}]})";
  EXPECT_EQ(Judge(prompt, "[now()]").score, 1);
}

TEST(ToolCallsTest, CallsUnusableTasksInvalid) {
  for (const char* expected :
       {"", "sunny", "5", "[5]", R"([{"f": 1}])", R"([{"name": "weather"}])",
        R"([{"f": {"x": 1}}])", R"([{"name": "unknown", "arguments": {}}])",
        R"([{"name": "weather", "arguments": {}}])",
        R"([{"name": "weather", "arguments": {"city": 5}}])", R"([{"weather": {"city": [5, 6]}}])",
        R"([{"weather": {"city": []}}])"}) {
    EXPECT_EQ(Judge(Task(expected), "[now()]").state, RewardState::kInvalid) << expected;
  }
  EXPECT_EQ(Judge(Task(kParis, "5"), "x").state, RewardState::kInvalid);
  Prompt broken;
  broken.metadata_json = "{";
  EXPECT_EQ(Judge(broken, "x").state, RewardState::kInvalid);
  broken.metadata_json = "[]";
  EXPECT_EQ(Judge(broken, "x").state, RewardState::kInvalid);
}

TEST(ToolCallsTest, FollowsBfclByOption) {
  ToolCallsOptions bfcl;
  bfcl.matching = "bfcl";
  EXPECT_EQ(Score(kParisBfcl, "[weather(city='PARIS.', days=2)]", bfcl), 1);
  EXPECT_EQ(Score(kParis, "[weather(city='PARIS.', days=2)]", bfcl), 1);
  EXPECT_EQ(Score(kParisBfcl, "[weather(city='Paris', days=2.0)]", bfcl), 0);
  EXPECT_EQ(Score(kParisBfcl, "[weather(city='Paris', extra=2)]", bfcl), 0);
  Prompt no_tools;
  no_tools.answer = kParisBfcl;
  EXPECT_EQ(Judge(no_tools, kParis, bfcl).state, RewardState::kInvalid);
}

TEST(ToolCallsTest, SurvivesHostileCompletions) {
  std::string many = "[";
  for (int i = 0; i < 64; ++i) absl::StrAppend(&many, "weather(city='Paris', days=2),");
  std::string keys = "[weather(";
  for (int i = 0; i < 50000; ++i) absl::StrAppend(&keys, "k", i, "=1,");
  for (const std::string& completion :
       {std::string(1 << 20, '['), std::string(2 << 20, 'x'),
        std::string("\xFF\xFE<tool_call>\xC0"), many + "now()]", keys + ")]",
        std::string(1 << 20, '\0'),
        "<tool_call>{\"name\": \"weather\", \"arguments\": " + std::string(300000, '[')}) {
    EXPECT_EQ(Score(kParis, completion), 0);
  }
}

}  // namespace
}  // namespace grpo
