// What a rollout starts from.
#pragma once

#include <cstdint>
#include <string>

namespace grpo {

// One draw of a problem from a prompt source.
// Example: {id: 17, name: "gsm8k/3", family: "addition", text: "Compute 47+85.", answer: "132"}.
struct Prompt {
  uint64_t id = 0;     // serial number of the draw, unique in a run; keys groups and random numbers
  std::string name;    // the record's own id, for messages and sample files
  std::string family;  // task family or subject, for metrics; may be empty
  std::string pool;    // its family, and its level where it has one: prompts about as difficult
  std::string text;    // the user's message
  std::string answer;  // the ground truth that reward checkers compare with
  std::string
      demonstration;  // a completion to imitate in the cold start; empty where there is none
  std::string metadata_json;  // the record's remaining fields, for reward checkers; "{}" or empty
};

}  // namespace grpo
