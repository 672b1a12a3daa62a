// How many mathematical answers a second one core judges.
//
//   math_answer_bench gsm8k/test.jsonl math500/test.jsonl
//
// The first file has records with "answer" ending in "#### 18", the second with "answer" and
// "solution". Prints verifications a second (median of five rounds) and the time to find the answer
// in 100 KB.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "reward/math/math_answer.h"

namespace grpo {
namespace {

using Cases = std::vector<std::pair<std::string, std::string>>;  // truth, completion

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Records as `pair` reads them.
template <typename Pair>
Cases ReadCases(const char* path, const Pair& pair) {
  std::ifstream file(path);
  Cases cases;
  for (std::string line; std::getline(file, line);)
    cases.push_back(pair(nlohmann::json::parse(line)));
  return cases;
}

void Measure(const char* what, const Cases& cases) {
  const auto checker = NewMathAnswer(MathAnswerOptions());
  std::vector<Prompt> prompts(cases.size());
  for (size_t i = 0; i < cases.size(); ++i) prompts[i].answer = cases[i].first;
  std::vector<double> rates;
  double slowest = 0;
  int right = 0;
  for (int round = 0; round < 5; ++round) {
    right = 0;
    const double start = Seconds();
    for (size_t i = 0; i < cases.size(); ++i) {
      const double before = Seconds();
      right +=
          static_cast<int>(checker->Score({prompts[i], cases[i].second}, Deadline::Never()).score);
      slowest = std::max(slowest, Seconds() - before);
    }
    rates.push_back(static_cast<double>(cases.size()) / (Seconds() - start));
  }
  std::sort(rates.begin(), rates.end());
  std::printf("%s: %.0f/s (%.0f to %.0f), %d of %zu right, slowest %.3f ms\n", what, rates[2],
              rates.front(), rates.back(), right, cases.size(), slowest * 1e3);
}

void MeasureExtraction() {
  std::string text;
  while (text.size() < 100000) text += "We have $x = \\frac{1}{2}$ and so on, then {3} more. ";
  text += "\\boxed{42}";
  double best = 1;
  for (int i = 0; i < 50; ++i) {
    const double start = Seconds();
    const auto answer = ExtractAnswer(text, ExtractPolicy());
    if (answer.has_value()) best = std::min(best, Seconds() - start);
  }
  std::printf("extraction from %zu bytes: %.0f us\n", text.size(), best * 1e6);
}

}  // namespace
}  // namespace grpo

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: math_answer_bench gsm8k.jsonl math500.jsonl\n");
    return 2;
  }
  using nlohmann::json;
  const auto number = [](const json& record) {
    const std::string answer = record["answer"];
    return answer.substr(answer.rfind("#### ") + 5);
  };
  grpo::Measure("GSM8K, boxed numbers", grpo::ReadCases(argv[1], [&](const json& record) {
                  return std::make_pair(number(record), "\\boxed{" + number(record) + "}");
                }));
  grpo::Measure("GSM8K, worked solutions", grpo::ReadCases(argv[1], [&](const json& record) {
                  return std::make_pair(number(record), record["answer"].get<std::string>());
                }));
  grpo::Measure("MATH-500, reference solutions", grpo::ReadCases(argv[2], [](const json& record) {
                  return std::make_pair(record["answer"].get<std::string>(),
                                        record["solution"].get<std::string>());
                }));
  grpo::MeasureExtraction();
  return 0;
}
