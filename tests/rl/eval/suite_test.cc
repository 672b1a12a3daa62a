#include "rl/eval/suite.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "data/file.h"
#include "rl/eval/shipped_suites.h"
#include "rl/eval/suite_check.h"
#include "tests/data/scratch_folder.h"

namespace grpo {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kSuite[] = R"(
name = "sums"
title = "Sums"
[data]
file = "sums.jsonl"
origin = "https://example.org/sums"
licence = "CC0"
[record]
fields = ["id: text", "question: text", "answer: text or number", "tags: list"]
id = "{{ id }}"
prompt = "{{ question }} = ?"
answer = "{{ answer }}"
family = "{{ tags[0] }}"
solution = "#### {{ answer }}"
[[reward]]
name = "math_answer"
)";

class SuiteTest : public testing::Test {
 protected:
  absl::StatusOr<SuiteProblems> Read(const std::string& bytes, bool skip_bad = false,
                                     const std::string& name = "sums.jsonl") {
    EXPECT_TRUE(WriteFileAtomically(folder_.Path(name), bytes).ok());
    const auto suite = ParseSuite(kSuite, "sums.toml", {"data.file=" + name});
    EXPECT_TRUE(suite.ok()) << suite.status();
    return ReadSuiteProblems(*suite, folder_.path(), skip_bad);
  }

  std::string ErrorOf(const std::string& bytes, const std::string& name = "sums.jsonl") {
    const auto read = Read(bytes, false, name);
    EXPECT_FALSE(read.ok()) << bytes;
    return std::string(read.status().message());
  }

  // A shipped suite with one made record, or one for each of its files.
  SuiteConfig Shipped(const std::string& name, const std::string& record,
                      const std::string& joined = "") {
    const auto suite = LoadSuite(
        name,
        {"data.file=one.jsonl", "data.join=" + std::string(joined.empty() ? "" : "two.jsonl")});
    EXPECT_TRUE(suite.ok()) << suite.status();
    EXPECT_TRUE(WriteFileAtomically(folder_.Path("one.jsonl"), record).ok());
    EXPECT_TRUE(WriteFileAtomically(folder_.Path("two.jsonl"), joined).ok());
    return *suite;
  }

  Prompt ProblemOf(const std::string& name, const std::string& record,
                   const std::string& joined = "") {
    const auto read = ReadSuiteProblems(Shipped(name, record, joined), folder_.path(), false);
    EXPECT_TRUE(read.ok()) << name << ": " << read.status();
    return read.ok() ? read->problems[0] : Prompt();
  }

  ScratchFolder folder_;
};

constexpr char kGood[] =
    "{\"id\": \"a\", \"question\": \"1+1\", \"answer\": \"2\", \"tags\": [\"easy\"]}\n";
constexpr char kAlso[] =
    "{\"id\": \"b\", \"question\": \"2+2\", \"answer\": 4.0, \"tags\": [\"hard\", \"x\"]}\n";

TEST_F(SuiteTest, MakesAProblemOfEachRecord) {
  const auto read = Read(std::string(kGood) + kAlso);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->problems.size(), 2);
  const Prompt& second = read->problems[1];
  EXPECT_EQ(second.id, 1);
  EXPECT_EQ(second.name, "b");
  EXPECT_EQ(second.text, "2+2 = ?");
  EXPECT_EQ(second.answer, "4.0");
  EXPECT_EQ(second.family, "hard");
  EXPECT_EQ(second.demonstration, "#### 4.0");
  EXPECT_EQ(json::parse(second.metadata_json)["tags"], json({"hard", "x"}));
  EXPECT_EQ(read->digest.size(), 64);
  EXPECT_THAT(read->skipped, IsEmpty());
}

TEST_F(SuiteTest, ReadsListsAndCsvToo) {
  const std::string list = "[" + std::string(kGood) + "," + kAlso + "]";
  EXPECT_EQ(Read(list, false, "sums.json")->problems.size(), 2);
  EXPECT_THAT(ErrorOf("id,question,answer,tags\na,1+1,2,easy\n", "sums.csv"),
              HasSubstr("sums.csv:2: \"tags\": expected list, found a string"));
}

TEST_F(SuiteTest, WorkedExamplesComeFirstAndAreNoProblemsThemselves) {
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> overrides = {
        "record.prompt='{% for shot in shots %}{{ shot.question }} = {{ shot.answer }}, "
        "{% endfor %}{{ question }} = ?'"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    const auto suite = ParseSuite(kSuite, "sums.toml", overrides);
    EXPECT_TRUE(suite.ok()) << suite.status();
    return ReadSuiteProblems(*suite, folder_.path(), false);
  };
  ASSERT_TRUE(WriteFileAtomically(folder_.Path("sums.jsonl"), std::string(kGood) + kAlso).ok());
  const auto none = with({});
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_EQ(none->problems[0].text, "1+1 = ?");
  const auto own = with({"shots.count=1"});
  ASSERT_TRUE(own.ok()) << own.status();
  ASSERT_EQ(own->problems.size(), 1);
  EXPECT_EQ(own->problems[0].text, "1+1 = 2, 2+2 = ?");
  EXPECT_EQ(own->problems[0].id, 0);
  EXPECT_NE(own->digest, none->digest);

  ASSERT_TRUE(WriteFileAtomically(folder_.Path("train.jsonl"), kAlso).ok());
  const auto others = with({"shots.count=1", "shots.file=train.jsonl"});
  ASSERT_TRUE(others.ok()) << others.status();
  ASSERT_EQ(others->problems.size(), 2);
  EXPECT_EQ(others->problems[0].text, "2+2 = 4.0, 1+1 = ?");
  EXPECT_THAT(std::string(with({"shots.count=2", "shots.file=train.jsonl"}).status().message()),
              HasSubstr("train.jsonl: expected 2 records for shots.count, found 1"));
}

TEST_F(SuiteTest, SaysOfAMissingFileWhereItIsToBeHad) {
  const auto suite = ParseSuite(kSuite, "sums.toml", {});
  const auto read = ReadSuiteProblems(*suite, folder_.path(), false);
  EXPECT_TRUE(absl::IsNotFound(read.status()));
  EXPECT_THAT(std::string(read.status().message()),
              AllOf(HasSubstr(folder_.Path("sums.jsonl")), HasSubstr("https://example.org/sums"),
                    HasSubstr("CC0"), HasSubstr("--data")));
}

// Each is refused with the place of what is wrong; where it is one record, it can be left out.
struct Malformed {
  std::string bytes;
  std::string message;
};

TEST_F(SuiteTest, NamesTheRecordThatCannotBeUsedAndLeavesItOutOnDemand) {
  const std::string good = kGood;
  const auto with = [&](const std::string& field, const std::string& value) {
    json record = json::parse(kAlso);
    if (value.empty()) {
      record.erase(field);
    } else {
      record[field] = json::parse(value);
    }
    return good + record.dump() + "\n";
  };
  const std::vector<Malformed> bad = {
      {with("question", ""), "the record has no \"question\" (text); it has: answer, id, tags"},
      {with("answer", ""), "the record has no \"answer\" (text or number)"},
      {with("id", ""), "the record has no \"id\""},
      {with("question", "7"), "\"question\": expected text, found the number 7"},
      {with("question", "null"), "\"question\": expected text, found"},
      {with("question", "[\"1+1\"]"), "\"question\": expected text, found a list"},
      {with("answer", "{\"value\": 2}"), "\"answer\": expected text or number, found"},
      {with("answer", "true"), "\"answer\": expected text or number, found"},
      {with("answer", "\"\""), "the answer is empty"},
      {with("answer", "\"  \\n\""), "the answer is empty"},
      {with("tags", "\"easy\""), "\"tags\": expected list, found"},
      {with("id", "3"), "\"id\": expected text, found the number 3"},
      {with("id", "\"a\""), "the id \"a\" is that of"},
      {good + "[1, 2]\n", "expected one JSON object a line, found a list"},
      {good + "17\n", "expected one JSON object a line"},
      {good + "{\"id\": \"b\", \n", "end of input"},
      {good + "{'id': 'b'}\n", "not usable as JSON"},
      {good + "{\"id\": \"b\", \"id\": \"c\"}\n", "stands twice"},
      {good + "{\"id\": \"\xC3(\"}\n", "UTF-8"},
      {good + "{\"id\": \"\xED\xA0\x80\"}\n", "UTF-8"},
      {good + "id: b, question: 1+1\n", "not usable as JSON"},
      {good + std::string("\0\0\0\n", 4), "not usable as JSON"},
      {good + std::string(300, '[') + "\n", "256 levels of nesting"},
      {good + "{\"id\": \"b\", \"question\": \"1\", \"answer\": 1e999, \"tags\": []}\n", ":2"},
  };
  for (const Malformed& one : bad) {
    EXPECT_THAT(ErrorOf(one.bytes), AllOf(HasSubstr("sums.jsonl:2"), HasSubstr(one.message)));
    const std::string next = "\n{\"id\": \"z\", \"question\": \"9\", \"answer\": 9, \"tags\": []}";
    const auto rest = Read(one.bytes + next, true);
    ASSERT_TRUE(rest.ok()) << one.message << ": " << rest.status();
    EXPECT_EQ(rest->problems.size(), 2) << one.message;
    EXPECT_THAT(rest->skipped, ElementsAre(HasSubstr("sums.jsonl:2"))) << one.message;
  }
}

TEST_F(SuiteTest, RefusesAFileThatIsNotWhatItShouldBe) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("empty"));
  EXPECT_THAT(ErrorOf(" \n\n"), HasSubstr("empty"));
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("no usable record"));
  EXPECT_THAT(ErrorOf("[{\"id\": \"a\"}"), HasSubstr("sums.jsonl:1:13: not usable as JSON"));
  EXPECT_THAT(ErrorOf("PAR1\x15\x04"), HasSubstr("Parquet"));
  EXPECT_THAT(ErrorOf(std::string("\xFF\xFE{\0}\0", 6)), HasSubstr("UTF-16"));
  EXPECT_THAT(ErrorOf("a,b\n1,\"2\n", "sums.csv"), HasSubstr("sums.csv:2: a cell's quote"));
  EXPECT_THAT(ErrorOf("a,b\n1\n", "sums.csv"), HasSubstr("sums.csv:2: expected 2 columns"));
}

TEST_F(SuiteTest, RefusesASuiteThatContradictsItself) {
  const auto error = [](const std::string& override_text) {
    const auto suite = ParseSuite(kSuite, "sums.toml", {override_text});
    EXPECT_FALSE(suite.ok()) << override_text;
    return std::string(suite.status().message());
  };
  EXPECT_THAT(error("reward=[]"), HasSubstr("no [[reward]]"));
  EXPECT_THAT(error("pass_at=[2]"), HasSubstr("up to samples, which is 1, found 2"));
  EXPECT_THAT(error("record.prompt=\"{{ question\""), HasSubstr("prompt"));
  EXPECT_THAT(error("record.fields=[\"question: words\"]"), HasSubstr("text, number, list"));
  EXPECT_THAT(error("record.promt=\"x\""), HasSubstr("did you mean record.prompt?"));
  EXPECT_THAT(std::string(LoadSuite("gsm9k", {}).status().message()),
              AllOf(HasSubstr("did you mean gsm8k?"), HasSubstr("math500")));
}

TEST_F(SuiteTest, EveryShippedSuiteCanBeParsedAndIsCalledAsItsFile) {
  EXPECT_GE(ShippedSuites().size(), 19);
  for (const auto& [name, toml] : ShippedSuites()) {
    const auto suite = ParseSuite(toml, name, {});
    ASSERT_TRUE(suite.ok()) << suite.status();
    EXPECT_EQ(suite->name, name);
  }
}

TEST_F(SuiteTest, ReadsTheRecordsOfMathematicalSuitesAsTheyArePublished) {
  const std::map<std::string, std::string> records = {
      {"gsm8k", R"({"question": "How many?", "answer": "3+4=<<3+4=7>>7\n#### 7"})"},
      {"math500", R"({"problem": "P", "solution": "So $\\boxed{7}$.", "answer": "7",
                      "subject": "Algebra", "level": 2, "unique_id": "test/algebra/1.json"})"},
      {"math", R"({"problem": "P", "solution": "So $\\boxed{7}$.", "level": "Level 5",
                   "type": "Algebra"})"},
      {"aime24", R"({"id": 60, "problem": "P", "answer": "7"})"},
      {"aime25", R"({"problem": "P", "answer": 7})"},
      {"amc23", R"({"id": 0, "problem": "P", "answer": 7.0})"},
      {"minerva_math", R"({"problem": "P", "solution": "It is \\boxed{7}", "type": "Chemistry"})"},
      {"olympiadbench", R"({"question": "P", "final_answer": ["$7$"], "subfield": "Algebra"})"},
      {"svamp", R"({"Body": "B.", "Question": "Q?", "Answer": 7.0, "Type": "Sum"})"},
      {"mawps", R"({"input": "P", "target": 7})"},
  };
  for (const auto& [name, text] : records) {
    const std::string line = json::parse(text).dump() + "\n";
    const SuiteConfig suite = Shipped(name, line);
    const auto read = ReadSuiteProblems(suite, folder_.path(), false);
    ASSERT_TRUE(read.ok()) << name << ": " << read.status();
    const auto check = CheckSuite(suite, read->problems);
    ASSERT_TRUE(check.ok()) << check.status();
    EXPECT_EQ(check->solutions.right, 1) << name << ": " << read->problems[0].demonstration;
    EXPECT_THAT(check->exceptions, IsEmpty()) << name;
  }
  EXPECT_EQ(ProblemOf("math500", json::parse(records.at("math500")).dump()).pool, "2");
  EXPECT_EQ(ProblemOf("math", json::parse(records.at("math")).dump()).family, "Algebra");
}

TEST_F(SuiteTest, ReadsTheRecordsOfCodeSuitesAsTheyArePublished) {
  const json human_eval = {{"task_id", "HumanEval/0"},
                           {"prompt",
                            "import math\n\ndef help(x):\n    return x\n\n"
                            "def f(x):\n    \"\"\" Doubles. \"\"\"\n"},
                           {"entry_point", "f"},
                           {"canonical_solution", "    return 2 * help(x)\n"},
                           {"test", "def check(candidate):\n    assert candidate(2) == 4\n"}};
  const Prompt first = ProblemOf("humaneval", human_eval.dump());
  EXPECT_EQ(first.name, "HumanEval/0");
  EXPECT_THAT(first.demonstration, HasSubstr("\"\"\"\n    return 2 * help(x)\n"));
  const json tests = json::parse(first.metadata_json)["tests"];
  EXPECT_EQ(tests["kind"], "asserts");
  EXPECT_EQ(tests["setup"], "import math\n\ndef help(x):\n    return x\n\n");
  EXPECT_EQ(tests["code"], "def check(candidate):\n    assert candidate(2) == 4\n\ncheck(f)\n");
  json with_inputs = human_eval;
  with_inputs.erase("test");
  with_inputs["atol"] = 0;
  with_inputs["base_input"] = json::array({json::array({2})});
  with_inputs["plus_input"] = json::array({json::array({"x\"y", 123})});
  std::string line = with_inputs.dump();
  line.replace(line.find("123"), 3, "100000000000000000000");
  const json plus = json::parse(ProblemOf("humanevalplus", line).metadata_json)["tests"];
  EXPECT_EQ(plus["setup"], tests["setup"]);
  EXPECT_THAT(std::string(plus["code"]),
              HasSubstr("return json.loads(\"[[2]]\") + "
                        "json.loads(\"[[\\\"x\\\\\\\"y\\\",100000000000000000000]]\")\n"));
  const json mbpp = {{"text", "Write f."},
                     {"code", "def f(): return 1"},
                     {"task_id", 11},
                     {"test_setup_code", "import math"},
                     {"test_list", {"assert f() == 1"}},
                     {"challenge_test_list", {"assert f() < 2"}}};
  const Prompt second = ProblemOf("mbpp", mbpp.dump());
  EXPECT_EQ(second.name, "MBPP/11");
  EXPECT_EQ(json::parse(second.metadata_json)["tests"]["code"], "assert f() == 1\nassert f() < 2");
  const json stdio = {{"question_content", "Add."},
                      {"public_test_cases", "[{\"input\": \"1 2\", \"output\": \"3\"}]"}};
  EXPECT_EQ(
      json::parse(ProblemOf("stdio", stdio.dump()).metadata_json)["tests"]["cases"][0]["output"],
      "3");
}

TEST_F(SuiteTest, JoinsTheAnswersOfToolSuitesById) {
  const json question = {{"id", "simple_0"},
                         {"question", {{{{"role", "user"}, {"content", "Area?"}}}}},
                         {"function",
                          {{{"name", "area"},
                            {"parameters",
                             {{"type", "dict"},
                              {"properties", {{"base", {{"type", "integer"}}}}},
                              {"required", {"base"}}}}}}}};
  const json answer = {{"id", "simple_0"}, {"ground_truth", {{{"area", {{"base", {10}}}}}}}};
  const Prompt problem = ProblemOf("bfcl_simple", question.dump(), answer.dump());
  EXPECT_THAT(problem.text, AllOf(HasSubstr("\"area\""), HasSubstr("Area?")));
  EXPECT_EQ(json::parse(problem.metadata_json)["expected_calls"], answer["ground_truth"]);
  EXPECT_EQ(json::parse(problem.demonstration),
            json({{{"name", "area"}, {"arguments", {{"base", 10}}}}}));
  const auto lost = ReadSuiteProblems(
      Shipped("bfcl_simple", question.dump(), "{\"id\": \"other\"}"), folder_.path(), false);
  EXPECT_THAT(
      std::string(lost.status().message()),
      AllOf(HasSubstr("one.jsonl:1: "), HasSubstr("no record with the \"id\" \"simple_0\"")));
}

}  // namespace
}  // namespace grpo
