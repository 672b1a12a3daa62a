// Every family's problems are worked out again from the question, by other code than the family's:
// the answer by direct computation, the trace step by step.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "data/task.h"

namespace grpo {
namespace {

using Numbers = std::vector<int64_t>;

// Evaluates + - * / and parentheses by precedence; a sign may stand before a number.
class Evaluator {
 public:
  static int64_t Of(absl::string_view text) {
    Evaluator evaluator{text};
    const int64_t value = evaluator.Sum();
    EXPECT_TRUE(evaluator.rest_.empty()) << text;
    return value;
  }

 private:
  explicit Evaluator(absl::string_view text) : rest_(text) {}
  int64_t Sum() {
    int64_t value = Product();
    while (!rest_.empty() && (rest_[0] == '+' || rest_[0] == '-')) {
      const bool minus = rest_[0] == '-';
      rest_.remove_prefix(1);
      value += minus ? -Product() : Product();
    }
    return value;
  }
  int64_t Product() {
    int64_t value = Factor();
    while (!rest_.empty() && (rest_[0] == '*' || rest_[0] == '/')) {
      const bool times = rest_[0] == '*';
      rest_.remove_prefix(1);
      const int64_t operand = Factor();
      EXPECT_TRUE(times || (operand != 0 && value % operand == 0));
      value = times ? value * operand : operand == 0 ? 0 : value / operand;
    }
    return value;
  }
  int64_t Factor() {
    if (absl::ConsumePrefix(&rest_, "(")) {
      const int64_t value = Sum();
      EXPECT_TRUE(absl::ConsumePrefix(&rest_, ")"));
      return value;
    }
    if (absl::ConsumePrefix(&rest_, "-")) return -Factor();
    size_t digits = 0;
    while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9') ++digits;
    int64_t value = 0;
    EXPECT_TRUE(absl::SimpleAtoi(rest_.substr(0, digits), &value)) << rest_;
    rest_.remove_prefix(digits);
    return value;
  }
  absl::string_view rest_;
};

// The number at the front of "42+5" or "-4+9".
int64_t FirstNumber(absl::string_view text) {
  size_t length = 1;
  while (length < text.size() && text[length] >= '0' && text[length] <= '9') ++length;
  return Evaluator::Of(text.substr(0, length));
}

// "7*6=42+5=47" is a chain of true statements: each side's value begins the next. Returns their
// number.
int CheckStep(absl::string_view step) {
  const std::vector<absl::string_view> sides = absl::StrSplit(step, '=');
  for (size_t i = 0; i + 1 < sides.size(); ++i) {
    EXPECT_EQ(Evaluator::Of(sides[i]), FirstNumber(sides[i + 1])) << step;
  }
  return static_cast<int>(sides.size()) - 1;
}

std::vector<std::string> Steps(const TaskProblem& problem) {
  return absl::StrSplit(problem.reasoning, ' ');
}

// Two or more numbers of the question by a scanf format.
template <typename... Number>
void Scan(const std::string& question, const char* format, Number*... numbers) {
  ASSERT_EQ(std::sscanf(question.c_str(), format, numbers...), static_cast<int>(sizeof...(numbers)))
      << question;
}

void ForProblems(absl::string_view name,
                 const std::function<void(int level, const TaskProblem&)>& check) {
  const TaskFamily* family = FindTaskFamily(name);
  ASSERT_NE(family, nullptr);
  for (int level = 1; level <= family->max_level(); ++level) {
    for (int i = 0; i < 2000 && !testing::Test::HasFailure(); ++i) {
      RandomStream random(21 + level, i);
      const TaskProblem problem = family->Generate(level, random);
      SCOPED_TRACE(absl::StrCat(problem.question, " | ", problem.reasoning));
      check(level, problem);
    }
  }
}

TEST(AdditionTest, AddsByColumnsFromTheRight) {
  ForProblems("addition", [](int level, const TaskProblem& problem) {
    long long a = 0, b = 0;
    Scan(problem.question, "Compute %lld+%lld.", &a, &b);
    EXPECT_EQ(problem.answer, absl::StrCat(a + b));
    const std::vector<std::string> steps = Steps(problem);
    ASSERT_EQ(static_cast<int>(steps.size()), level + 1);
    std::string digits;
    char carry = '0';
    for (const std::string& step : steps) {
      ASSERT_EQ(step.size(), 8u);
      EXPECT_EQ(step.substr(0, 6),
                absl::StrCat(a % 10, "+", b % 10, "+", std::string(1, carry), "="));
      CheckStep(step);
      carry = step[6];
      digits.insert(0, 1, step[7]);
      a /= 10;
      b /= 10;
    }
    if (carry != '0') digits.insert(0, 1, carry);
    EXPECT_EQ(problem.answer, digits);
  });
}

TEST(SubtractionTest, SubtractsByColumnsWithABorrow) {
  ForProblems("subtraction", [](int level, const TaskProblem& problem) {
    long long a = 0, b = 0;
    Scan(problem.question, "Compute %lld-%lld.", &a, &b);
    EXPECT_GE(a, b);
    EXPECT_EQ(problem.answer, absl::StrCat(a - b));
    const std::vector<std::string> steps = Steps(problem);
    ASSERT_EQ(static_cast<int>(steps.size()), level + 1);
    int64_t result = 0, place = 1;
    char borrow = '0';
    for (const std::string& step : steps) {
      ASSERT_EQ(step.size(), 8u);
      EXPECT_EQ(step.substr(0, 6),
                absl::StrCat(a % 10, "-", b % 10, "-", std::string(1, borrow), "="));
      borrow = step[6];
      EXPECT_EQ(Evaluator::Of(step.substr(0, 5)), (step[7] - '0') - 10 * (borrow - '0'));
      result += place * (step[7] - '0');
      place *= 10;
      a /= 10;
      b /= 10;
    }
    EXPECT_EQ(borrow, '0');
    EXPECT_EQ(problem.answer, absl::StrCat(result));
  });
}

TEST(MultiplicationTest, MultipliesByColumnsAndAddsPartialProducts) {
  ForProblems("multiplication", [](int level, const TaskProblem& problem) {
    long long a = 0, b = 0, addend = 0;
    if (level <= 2) {
      Scan(problem.question, "Compute %lld*%lld+%lld.", &a, &b, &addend);
    } else {
      Scan(problem.question, "Compute %lld*%lld.", &a, &b);
    }
    EXPECT_EQ(problem.answer, absl::StrCat(a * b + addend));
    for (const std::string& step : Steps(problem)) EXPECT_GE(CheckStep(step), 1) << step;
    const std::string last = Steps(problem).back();
    if (level > 2) {
      EXPECT_EQ(last.substr(last.find('=') + 1), problem.answer);
      return;
    }
    // The first column takes the addend, each column the tens of the one before.
    std::string digits;
    std::string carry = absl::StrCat(addend);
    for (const std::string& step : Steps(problem)) {
      EXPECT_EQ(step.substr(0, 4), absl::StrCat(a % 10, "*", b, "="));
      EXPECT_EQ(step.substr(6, 3), absl::StrCat("+", carry, "="));
      carry = step.substr(9, 1);
      digits.insert(0, step.substr(10, 1));
      a /= 10;
    }
    if (carry != "0") digits.insert(0, carry);
    EXPECT_EQ(digits, problem.answer);
  });
}

TEST(ChainTest, ReducesOneOperationAtATimeToTheValue) {
  ForProblems("chain", [](int level, const TaskProblem& problem) {
    const absl::string_view text =
        absl::StripSuffix(absl::StripPrefix(problem.question, "Compute "), ".");
    const int64_t value = Evaluator::Of(text);
    EXPECT_EQ(problem.answer, absl::StrCat(value));
    int operations = 0;
    std::string left(text);  // reduced here by replacing each step's left side
    for (const std::string& step : Steps(problem)) {
      if (step.find('=') == std::string::npos) {
        EXPECT_EQ(step, left);
        continue;
      }
      operations += CheckStep(step);
      const std::pair<std::string, std::string> sides = absl::StrSplit(step, '=');
      if (sides.first == left) {
        left = sides.second;
      } else {
        const std::string in_parentheses = absl::StrCat("(", sides.first, ")");
        const size_t at = left.find(in_parentheses);
        ASSERT_NE(at, std::string::npos) << left << " has no " << in_parentheses;
        left.replace(at, in_parentheses.size(), sides.second);
      }
      int64_t result = 0;
      ASSERT_TRUE(absl::SimpleAtoi(sides.second, &result));
      EXPECT_GE(result, 0);
      EXPECT_LE(result, level <= 2 ? 99 : 999);
    }
    EXPECT_EQ(operations, level + 1);
    EXPECT_EQ(left, problem.answer);
  });
}

// The value of one side ("7x-5", "20-3x", "-4") at x.
int64_t SideAt(absl::string_view side, int64_t x) {
  return Evaluator::Of(absl::StrReplaceAll(side, {{"x", absl::StrCat("*(", x, ")")}}));
}

TEST(EquationTest, SolvesByTrueStepsThatEndInTheSolution) {
  ForProblems("equation", [](int level, const TaskProblem& problem) {
    const absl::string_view equation =
        absl::StripSuffix(absl::StripPrefix(problem.question, "Solve "), " for x.");
    const std::pair<absl::string_view, absl::string_view> sides = absl::StrSplit(equation, '=');
    int64_t x = 0;
    ASSERT_TRUE(absl::SimpleAtoi(problem.answer, &x));
    EXPECT_EQ(SideAt(sides.first, x), SideAt(sides.second, x));
    EXPECT_NE(SideAt(sides.first, x + 1), SideAt(sides.second, x + 1)) << "not one solution";
    const std::vector<std::string> steps = Steps(problem);
    EXPECT_EQ(steps.size(), level == 1 ? 2u : 3u);
    for (const std::string& step : steps) EXPECT_EQ(CheckStep(step), 1) << step;
    EXPECT_EQ(steps.back().substr(steps.back().find('=') + 1), problem.answer);
  });
}

TEST(CountdownTest, TriesExpressionsUntilOneHitsTheTarget) {
  ForProblems("countdown", [](int level, const TaskProblem& problem) {
    const auto metadata = nlohmann::json::parse(problem.metadata_json);
    const int64_t target = metadata["target"];
    Numbers given = metadata["numbers"].get<Numbers>();
    EXPECT_EQ(problem.question,
              absl::StrCat("Make ", target, " from ", absl::StrJoin(given, " "), "."));
    EXPECT_EQ(given.size(), level <= 2 ? 3u : static_cast<size_t>(level) + 1);
    std::sort(given.begin(), given.end());
    for (const std::string& expression : {problem.answer, problem.guess}) {
      Numbers used;
      for (const absl::string_view number : absl::StrSplit(expression, absl::ByAnyChar("+-*"))) {
        used.push_back(Evaluator::Of(number));
      }
      std::sort(used.begin(), used.end());
      EXPECT_EQ(used, given) << expression;
    }
    EXPECT_EQ(Evaluator::Of(problem.answer), target);
    EXPECT_NE(Evaluator::Of(problem.guess), target);
    const std::vector<std::string> tries = Steps(problem);
    for (const std::string& attempt : tries) {
      EXPECT_EQ(CheckStep(attempt), static_cast<int>(given.size()) - 1);
      const bool hits = Evaluator::Of(attempt.substr(attempt.rfind('=') + 1)) == target;
      EXPECT_EQ(hits, &attempt == &tries.back()) << attempt;
    }
  });
}

TEST(SortingTest, TakesTheMinimumAgainAndAgain) {
  ForProblems("sorting", [](int level, const TaskProblem& problem) {
    const absl::string_view list =
        absl::StripSuffix(absl::StripPrefix(problem.question, "Sort "), " ascending.");
    std::vector<std::string> left = absl::StrSplit(list, ' ');
    EXPECT_EQ(static_cast<int>(left.size()), level + 3);
    const auto by_value = [](const std::string& a, const std::string& b) {
      return std::stoi(a) < std::stoi(b);
    };
    std::vector<std::string> sorted = left;
    std::sort(sorted.begin(), sorted.end(), by_value);
    EXPECT_EQ(problem.answer, absl::StrJoin(sorted, " "));
    std::vector<std::string> guess = absl::StrSplit(problem.guess, ' ');
    std::sort(guess.begin(), guess.end(), by_value);
    EXPECT_EQ(guess, sorted);
    for (const absl::string_view step : absl::StrSplit(problem.reasoning, ';')) {
      ASSERT_FALSE(left.empty());
      const auto minimum = std::min_element(left.begin(), left.end(), by_value);
      const std::string expected = *minimum;
      left.erase(minimum);
      EXPECT_EQ(step,
                left.empty() ? expected : absl::StrCat(expected, "<", absl::StrJoin(left, " ")));
    }
    EXPECT_TRUE(left.empty());
  });
}

TEST(CountingTest, WalksThroughTheListWithTheCountSoFar) {
  ForProblems("counting", [](int level, const TaskProblem& problem) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(
        absl::StripSuffix(absl::StripPrefix(problem.question, "Count "), "."), " in ");
    const std::vector<std::string> list = absl::StrSplit(parts.second, ", ");
    EXPECT_EQ(static_cast<int>(list.size()), 4 + 2 * level);
    const auto is_counted = [&](const std::string& item) { return item.substr(2) == parts.first; };
    const auto count = std::count_if(list.begin(), list.end(), is_counted);
    EXPECT_EQ(problem.answer, absl::StrCat(count));
    EXPECT_EQ(std::abs(std::stoi(problem.guess) - static_cast<int>(count)), 1);
    std::string working;
    int so_far = 0;
    char letter = 'a';
    for (const std::string& item : list) {
      EXPECT_EQ(item.substr(0, 2), absl::StrCat(std::string(1, letter++), " "));
      so_far += is_counted(item);
      absl::StrAppend(&working, working.empty() ? "" : " ", item, so_far);
    }
    EXPECT_EQ(problem.reasoning, working);
  });
}

TEST(CanonicalTest, IsTheSameForProblemsThatDifferInWritingOnly) {
  const TaskFamily& addition = *FindTaskFamily("addition");
  std::map<std::string, std::string> canonical;
  for (int i = 0; i < 60000; ++i) {
    RandomStream random(31, i);
    const TaskProblem problem = addition.Generate(1, random);
    canonical[problem.question] = problem.canonical;
  }
  ASSERT_TRUE(canonical.count("Compute 47+85.") && canonical.count("Compute 85+47."));
  EXPECT_EQ(canonical["Compute 47+85."], canonical["Compute 85+47."]);
  EXPECT_NE(canonical["Compute 47+85."], canonical["Compute 48+84."]);
}

}  // namespace
}  // namespace grpo
