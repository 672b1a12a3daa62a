#include "reward/code/code_tests.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"

#include "reward/scorer.h"
#include "tests/reward/code/judge_program.h"

namespace grpo {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json Call(const std::string& function, const std::vector<json>& cases, double tolerance = 0) {
  return {{"kind", "call"}, {"function", function}, {"cases", cases}, {"tolerance", tolerance}};
}

json Case(const json& args, const json& expected) {
  return {{"args", args}, {"expected", expected}};
}

json Asserts(const std::string& code, const std::string& setup = "") {
  return {{"kind", "asserts"}, {"setup", setup}, {"code", code}};
}

json Stdio(const std::vector<json>& cases, const std::string& language = "python") {
  return {{"kind", "stdio"}, {"cases", cases}, {"language", language}};
}

class CodeTestsTest : public TierTest {};

TEST_P(CodeTestsTest, PaysForAProgramThatPassesAllCases) {
  const json tests =
      Call("add", {Case({1, 2}, 3), Case({"a", "b"}, "ab"), Case({{1}, {2}}, {1, 2})});
  const RewardResult right = Judge(tests, Fenced("def add(a, b):\n    return a + b"));
  EXPECT_EQ(right.state, RewardState::kScored);
  EXPECT_EQ(right.score, 1) << right.reason;
  EXPECT_THAT(right.reason, HasSubstr(GetParam()));  // the tier in force
  const RewardResult wrong = Judge(tests, Fenced("def add(a, b):\n    return 3"));
  EXPECT_EQ(wrong.score, 0);
  ASSERT_EQ(wrong.parts.size(), 1u);
  EXPECT_EQ(wrong.parts[0].first, "passed");
  EXPECT_NEAR(wrong.parts[0].second, 1.0 / 3, 1e-9);
}

TEST_P(CodeTestsTest, PassesKeywordArgumentsAndLargeIntegers) {
  const json tests = json::parse(R"({"kind": "call", "function": "f", "cases": [
      {"args": [2], "kwargs": {"power": 3}, "expected": 8}]})");
  EXPECT_EQ(Judge(tests, Fenced("def f(a, *, power):\n    return a ** power")).score, 1);
  Prompt prompt;
  prompt.metadata_json =
      R"({"tests": {"kind": "call", "function": "f", "cases": [
          {"args": [100000000000000000000000000001], "expected": 100000000000000000000000000002}]}})";
  const RewardResult result =
      checker_->Score({prompt, Fenced("def f(a):\n    return a + 1"), 0, 0, FinishReason::kStop},
                      Deadline::Never());
  EXPECT_EQ(result.score, 1) << result.reason;
}

TEST_P(CodeTestsTest, ComparesTypesAndValues) {
  const auto score = [&](const json& expected, const std::string& returned, double tolerance = 0) {
    return Judge(Call("f", {Case(json::array(), expected)}, tolerance),
                 Fenced("import collections, math\ndef f():\n    return " + returned))
        .score;
  };
  EXPECT_EQ(score(1, "1"), 1);
  EXPECT_EQ(score(1, "True"), 0);
  EXPECT_EQ(score(true, "1"), 0);
  EXPECT_EQ(score(true, "True"), 1);
  EXPECT_EQ(score(1, "1.0"), 1);
  EXPECT_EQ(score(1, "'1'"), 0);
  EXPECT_EQ(score(nullptr, "None"), 1);
  EXPECT_EQ(score(nullptr, "0"), 0);
  EXPECT_EQ(score({1, 2}, "(1, 2)"), 1);  // JSON has no tuples
  EXPECT_EQ(score({1, 2}, "[2, 1]"), 0);
  EXPECT_EQ(score({1, 2}, "{1, 2}"), 0);
  EXPECT_EQ(score({{"a", 1}}, "collections.Counter('a')"), 1);
  EXPECT_EQ(score({{"1", 2}}, "{1: 2}"), 1);  // nor keys that are no strings
  EXPECT_EQ(score({{"a", 1}}, "{'a': 1, 'b': 2}"), 0);
  EXPECT_EQ(score(0.3, "0.1 + 0.2"), 0);
  EXPECT_EQ(score(0.3, "0.1 + 0.2", 1e-6), 1);
  EXPECT_EQ(score(0.3, "math.nan", 1e-6), 0);
  EXPECT_EQ(score(3, "4", 1), 0);  // whole numbers are never approximate
}

TEST_P(CodeTestsTest, ComparesTaggedValues) {
  const auto score = [&](const std::string& expected, const std::string& returned) {
    const json tests = {{"kind", "call"},
                        {"function", "f"},
                        {"encoding", "tagged"},
                        {"cases", json::array({Case(json::array(), json::parse(expected))})}};
    return Judge(tests, Fenced("def f():\n    return " + returned)).score;
  };
  EXPECT_EQ(score(R"({"t": [1, 2]})", "(1, 2)"), 1);
  EXPECT_EQ(score(R"({"t": [1, 2]})", "[1, 2]"), 0);
  EXPECT_EQ(score(R"({"s": [1, 2]})", "{2, 1.0}"), 1);
  EXPECT_EQ(score(R"({"s": [1, 2]})", "{2, 3}"), 0);
  EXPECT_EQ(score(R"({"b": "00ff"})", "b'\\x00\\xff'"), 1);
  EXPECT_EQ(score(R"({"d": [[1, "a"]]})", "{1: 'a'}"), 1);
  EXPECT_EQ(score(R"({"d": [[1, "a"]]})", "{'1': 'a'}"), 0);
  EXPECT_EQ(score(R"({"f": "nan"})", "float('nan')"), 1);
  EXPECT_EQ(score(R"({"c": [1.0, -2.0]})", "1-2j"), 1);
}

// More digits than Python converts to decimal in our boxes.
TEST_P(CodeTestsTest, TakesAndReturnsIntegersOfAnySize) {
  const std::string zeros(30000, '0');
  const json tests = {{"kind", "call"},
                      {"function", "f"},
                      {"encoding", "tagged"},
                      {"cases", {Case({{{"h", "1" + zeros}}}, {{"h", "-1" + zeros + "00"}})}}};
  EXPECT_EQ(Judge(tests, Fenced("def f(a):\n    return -256 * a")).score, 1);
  EXPECT_EQ(Judge(tests, Fenced("def f(a):\n    return -256 * a - 1")).score, 0);
  const json asserts = Asserts("assert f(10**40000) == 10**40001");
  EXPECT_EQ(Judge(asserts, Fenced("def f(a):\n    return 10 * a")).score, 1);
  EXPECT_EQ(Judge(asserts, Fenced("def f(a):\n    return 10 * a + 1")).score, 0);
}

TEST_P(CodeTestsTest, FindsAMethodOfSolution) {
  EXPECT_EQ(Judge(Call("double", {Case({2}, 4)}),
                  Fenced("class Solution:\n    def double(self, n):\n        return 2 * n"))
                .score,
            1);
}

TEST_P(CodeTestsTest, RunsAssertsOutsideTheProgram) {
  const std::string program = "def f(x):\n    return x * 2\n\ndef g(l):\n    l.sort()\n";
  const auto score = [&](const std::string& code, const std::string& setup = "") {
    return Judge(Asserts(code, setup), Fenced(program)).score;
  };
  EXPECT_EQ(score("assert f(2) == 4\nassert f('a') == 'aa'"), 1);
  EXPECT_EQ(score("assert f(2) == 4\nassert f(3) == 7"), 0);
  EXPECT_EQ(score("def check(candidate):\n    assert candidate(2) == 4\n\ncheck(f)"), 1);
  EXPECT_EQ(score("for a, b in [(1, 2), (2, 4)]:\n    assert f(a) == b, f'{a}'"), 1);
  EXPECT_EQ(score("assert abs(f(0.1) - 0.2) < 1e-9"), 1);
  EXPECT_EQ(score("assert math.isclose(f(0.1), 0.2)"), 1);
  EXPECT_EQ(score("assert not f(0)\nassert f(1)\nassert f((1,)) == (1, 1)"), 1);
  EXPECT_EQ(score("assert twice(2) == f(2)", "def twice(x):\n    return x + x"), 1);
  EXPECT_EQ(score("l = [3, 1]\ng(l)\nassert l == [1, 3]"), 1);
  EXPECT_EQ(score("try:\n    f()\n    assert False\nexcept TypeError:\n    pass"), 1);
  EXPECT_EQ(score("assert missing(2) == 4"), 0);
}

TEST_P(CodeTestsTest, CallsObjectsOfTheProgram) {
  const std::string program =
      "class Node:\n    def __init__(self, value):\n        self.value = value\n        self.next "
      "= "
      "None\n\ndef total(node):\n    return 0 if node is None else node.value + "
      "total(node.next)\n\ndef count():\n    yield from (1, 2)\n";
  EXPECT_EQ(Judge(Asserts("assert total(root) == 3\nassert list(count()) == [1, 2]",
                          "root = Node(1)\nroot.next = Node(2)"),
                  Fenced(program))
                .score,
            1);
}

TEST_P(CodeTestsTest, LetsAProgramNameItsFunctionAsABuiltIn) {
  EXPECT_EQ(Judge(Asserts("assert sum(10, 15) == 6"), Fenced("def sum(a, b):\n    return 6")).score,
            1);
  // But not where the tests use another function of it.
  EXPECT_EQ(Judge(Asserts("assert abs(f(1) - 5) < 1"),
                  Fenced("def f(x):\n    return 0\n\ndef abs(x):\n    return 0"))
                .score,
            0);
  EXPECT_EQ(Judge(Asserts("assert math.fabs(f(1) - 5) < 1"),
                  Fenced("def f(x):\n    return 0\n\nclass math:\n    fabs = lambda x: 0"))
                .score,
            0);
}

TEST_P(CodeTestsTest, AnArgumentChangedByTheProgramDoesNotChangeTheTest) {
  EXPECT_EQ(Judge(Asserts("l = [3, 1]\nassert f(l) == sorted(l)"),
                  Fenced("def f(l):\n    l.clear()\n    return []"))
                .score,
            0);
}

TEST_P(CodeTestsTest, TestsThatSayNothingAreInvalid) {
  const std::string program = Fenced("def f(x):\n    return x");
  for (const json& tests :
       {Asserts("def check(candidate):\n    pass"), Asserts("assert f(1 == 2"), json("text"),
        Call("f", {}), Call("", {Case({1}, 1)}), json{{"kind", "unknown"}},
        json{{"kind", "call"}, {"function", "f"}, {"cases", {{{"args", 1}, {"expected", 1}}}}},
        Stdio({{{"input", "x"}}}),
        json{{"kind", "asserts"}, {"code", "assert 1"}, {"language", "cpp"}}}) {
    EXPECT_EQ(Judge(tests, program).state, RewardState::kInvalid) << tests.dump();
  }
}

TEST_P(CodeTestsTest, ComparesWhatAProgramWrites) {
  const json tests =
      Stdio({{{"input", "1 2\n"}, {"output", "3\n"}}, {{"input", "3 4\n"}, {"output", "7"}}});
  EXPECT_EQ(Judge(tests, Fenced("print(sum(map(int, input().split())))")).score, 1);
  EXPECT_EQ(Judge(tests, Fenced("import sys\na, b = map(int, sys.stdin.read().split())\n"
                                "if __name__ == '__main__':\n    print(a + b)\n    sys.exit()"))
                .score,
            1);
  EXPECT_EQ(Judge(tests, Fenced("print(sum(map(int, input().split())))\nprint('more')")).score, 0);
  EXPECT_EQ(
      Judge(tests, Fenced("print(sum(map(int, input().split())))\nraise SystemExit(1)")).score, 0);
  EXPECT_EQ(Judge(tests, Fenced("print(3)")).score, 0);
}

TEST_P(CodeTestsTest, CompilesAndRunsCpp) {
  const json tests = Stdio(
      {{{"input", "1 2\n"}, {"output", "3\n"}}, {{"input", "3 4\n"}, {"output", "7\n"}}}, "cpp");
  const std::string head =
      "#include <bits/stdc++.h>\nint main() {\n  int a, b;\n  std::cin >> a >> b;\n";
  const RewardResult right =
      Judge(tests, Fenced(head + "  std::cout << a + b << '\\n';\n}", "cpp"));
  EXPECT_EQ(right.score, 1) << right.reason;
  EXPECT_EQ(Judge(tests, Fenced(head + "  std::cout << a - b << '\\n';\n}", "cpp")).score, 0);
  const RewardResult broken = Judge(tests, Fenced(head, "cpp"));
  EXPECT_EQ(broken.score, 0);
  EXPECT_THAT(broken.reason, HasSubstr("cannot be loaded"));
}

TEST_P(CodeTestsTest, SaysWhyAProgramFailed) {
  const json tests = Call("f", {Case({1}, 1)});
  const auto reason = [&](const std::string& program) {
    return Judge(tests, Fenced(program)).reason;
  };
  EXPECT_THAT(reason("def f(x):\n    return x / 0"), HasSubstr("ZeroDivisionError"));
  EXPECT_THAT(reason("def f(x):\n    while True: pass"), HasSubstr("out of time"));
  EXPECT_THAT(reason("def f(x):\n    return 'x' * 10**10"), HasSubstr("MemoryError"));
  EXPECT_THAT(reason("def f(x):\n    return 'x' * 20000000"), HasSubstr("output too long"));
  EXPECT_THAT(reason("def f(x)\n    return x"), HasSubstr("SyntaxError"));
  EXPECT_THAT(reason("def g(x):\n    return x"), HasSubstr("defines no f"));
  EXPECT_THAT(reason("def f(x):\n    return 2"), HasSubstr("returned 2, expected 1"));
}

TEST_P(CodeTestsTest, TakesTheProgramOutOfTheCompletion) {
  const json tests = Call("f", {Case({1}, 2)});
  const std::string right = "def f(x):\n    return x + 1\n", wrong = "def f(x):\n    return x\n";
  EXPECT_EQ(Judge(tests, right).score, 1);  // no fence at all
  EXPECT_EQ(Judge(tests, Fenced(wrong) + Fenced(right)).score, 1);
  EXPECT_EQ(Judge(tests, Fenced(right) + Fenced(wrong)).score, 0);
  EXPECT_EQ(Judge(tests, Fenced(right) + Fenced("f(1) is 2", "text")).score, 1);
  EXPECT_EQ(Judge(tests, "<think>" + Fenced(right) + "</think>" + Fenced(wrong)).score, 0);
  EXPECT_EQ(Judge(tests, "<think>" + Fenced(right)).score, 0);
  EXPECT_EQ(Judge(tests, "").score, 0);
}

TEST_P(CodeTestsTest, RunsTheProgramsThreads) {
  const std::string program =
      "import threading\n"
      "from concurrent.futures import ThreadPoolExecutor\n"
      "def f(n):\n"
      "    assert threading.current_thread() is threading.main_thread()\n"
      "    sums, lock = [], threading.Lock()\n"
      "    def add(i):\n"
      "        with lock:\n"
      "            sums.append(i)\n"
      "    threads = [threading.Thread(target=add, args=(i,)) for i in range(n)]\n"
      "    for thread in threads: thread.start()\n"
      "    for thread in threads: thread.join()\n"
      "    with ThreadPoolExecutor(2) as pool:\n"
      "        return sum(pool.map(lambda x: x * x, sums))\n";
  const RewardResult called = Judge(Call("f", {Case({5}, 30)}), Fenced(program));
  EXPECT_EQ(called.score, 1) << called.reason;
  const RewardResult asserted =
      Judge(Asserts("for n in (1, 5):\n    assert f(n) == sum(i * i for i in range(n))"),
            Fenced(program));
  EXPECT_EQ(asserted.score, 1) << asserted.reason;
  const RewardResult printed = Judge(Stdio({{{"input", "5"}, {"output", "30"}}}),
                                     Fenced(program + "print(f(int(input())))"));
  EXPECT_EQ(printed.score, 1) << printed.reason;
}

TEST_P(CodeTestsTest, RandomNumbersAndHashesAreTheSameInEveryCheck) {
  const json tests = Call("f", {Case(json::array(), {0.8444218515250481, 0.7579544029403025})});
  const std::string program =
      "import random\ndef f():\n    return [random.random(), random.random()]";
  for (int check = 0; check < 3; ++check) {
    const RewardResult result = Judge(tests, Fenced(program));
    EXPECT_EQ(result.score, 1) << result.reason;
  }
  const json printed = Stdio({{{"input", ""}, {"output", "0.8444218515250481"}}});
  EXPECT_EQ(Judge(printed, Fenced("import random\nprint(random.random())")).score, 1);
  const std::string hashes = "def f():\n    return hash('a') % 1000003";
  const std::string first = Judge(Call("f", {Case(json::array(), -1)}), Fenced(hashes)).reason;
  EXPECT_EQ(Judge(Call("f", {Case(json::array(), -1)}), Fenced(hashes)).reason, first);
}

TEST_P(CodeTestsTest, NothingOfOneCheckReachesTheNext) {
  const json tests = Call("f", {Case(json::array(), 1)});
  const std::string program =
      "import sys, builtins, random\n"
      "def f():\n"
      "    builtins.seen = getattr(builtins, 'seen', 0) + 1\n"
      "    sys.modules['mark'] = sys.modules.get('mark', 0)\n"
      "    return builtins.seen";
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Judge(tests, Fenced(program)).score, 1);
}

TEST(CodeTestsOptionsTest, AnEndlessProgramIsWrongHoweverShortTheScorersDeadline) {
  CodeTestsOptions options;
  options.seconds = 1;
  auto checker = NewCodeTests(options);
  if (!checker.ok()) GTEST_SKIP() << checker.status();
  ScorerConfig config;
  config.deadline_seconds = 0.2;
  std::vector<std::unique_ptr<Reward>> rewards;
  rewards.push_back(*std::move(checker));
  const auto scorer = Scorer::FromRewards(std::move(rewards), {1}, config);
  RolloutGroup group;
  group.prompt.metadata_json = json{{"tests", Call("f", {Case(json::array(), 1)})}}.dump();
  group.rollouts.resize(1);
  group.rollouts[0].text = Fenced("def f():\n    while True: pass");
  const auto scored = scorer->Score({group}, 0);
  EXPECT_EQ(scored[0].scores[0].state, RewardState::kScored);
  EXPECT_EQ(scored[0].scores[0].reward, 0);
  EXPECT_THAT(scored[0].scores[0].results[0].reason, HasSubstr("out of time"));
}

TEST(CodeTestsOptionsTest, ReadsCasesOfThreeMillionValues) {
  auto checker = NewCodeTests({});
  if (!checker.ok()) GTEST_SKIP() << checker.status();
  const json row(1000000, 7);
  Prompt prompt;
  prompt.metadata_json =
      json{{"tests", Call("f", {Case({1}, row), Case({2}, row), Case({3}, row)})}}.dump();
  const RewardResult result = (*checker)->Score(
      {prompt, Fenced("def f(x): return []"), 0, 0, FinishReason::kStop}, Deadline::Never());
  EXPECT_EQ(result.state, RewardState::kScored) << result.reason;
}

TEST(CodeTestsOptionsTest, FractionalPaysForTheShareOfCases) {
  CodeTestsOptions options;
  options.fractional = true;
  const auto checker = NewCodeTests(options);
  if (!checker.ok()) GTEST_SKIP() << checker.status();
  EXPECT_EQ(JudgeWith(**checker, Call("f", {Case({1}, 1), Case({2}, 3)}),
                      Fenced("def f(x):\n    return x"))
                .score,
            0.5);
}

INSTANTIATE_TEST_SUITE_P(Tiers, CodeTestsTest, ::testing::Values("namespaces", "landlock"),
                         TierName);

}  // namespace
}  // namespace grpo
