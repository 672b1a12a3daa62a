// tokenizer_speed TOKENIZER.json LINES REPEATS: encodes the texts of a file of JSON strings, one a
// line, and prints the seconds of each repeat and the tokens of one as a line of JSON.
// tests/bench/tokenizer_speed.py compares.
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"

#include "data/tokenizer.h"

int main(int argc, char** argv) {
  using Clock = std::chrono::steady_clock;
  if (argc != 4) {
    std::cerr << "usage: tokenizer_speed TOKENIZER.json LINES REPEATS\n";
    return 2;
  }
  const auto tokenizer = grpo::Tokenizer::Load(argv[1]);
  if (!tokenizer.ok()) {
    std::cerr << tokenizer.status() << "\n";
    return 1;
  }
  std::vector<std::string> texts;
  std::ifstream lines(argv[2]);
  for (std::string line; std::getline(lines, line);) {
    texts.push_back(nlohmann::json::parse(line).get<std::string>());
  }
  nlohmann::json seconds = nlohmann::json::array();
  size_t tokens = 0;
  for (int i = 0; i < std::atoi(argv[3]); ++i) {
    tokens = 0;
    const auto start = Clock::now();
    for (const std::string& text : texts) tokens += (*tokenizer)->Encode(text).size();
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::cout << nlohmann::json{{"seconds", seconds}, {"tokens", tokens}} << "\n";
}
