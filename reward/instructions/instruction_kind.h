// A row of the table of instructions, and the arguments that one is made from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

#include "reward/instructions/instruction.h"

namespace grpo {

// The arguments of one instruction; every getter's error names the argument.
class InstructionArguments {
 public:
  // Both outlive this object.
  InstructionArguments(const std::string& id, const nlohmann::json& arguments)
      : id_(id), arguments_(arguments) {}

  absl::Status CheckKeys(const std::vector<std::string>& known) const;
  absl::StatusOr<std::string> Text(const std::string& key) const;  // not blank
  // One string or more, none empty.
  absl::StatusOr<std::vector<std::string>> Texts(const std::string& key) const;
  // An integer >= 0; also one written as 3.0.
  absl::StatusOr<int64_t> Count(const std::string& key) const;

  absl::Status Wrong(const std::string& key, const std::string& expected) const;

 private:
  const nlohmann::json& Value(const std::string& key) const;

  const std::string& id_;
  const nlohmann::json& arguments_;
};

// "at least n" or "less than n".
struct Comparison {
  bool at_least = true;
  size_t threshold = 0;
  bool Holds(size_t count) const { return at_least ? count >= threshold : count < threshold; }
};
absl::StatusOr<Comparison> ReadComparison(const InstructionArguments& arguments,
                                          const std::string& relation_key,
                                          const std::string& threshold_key);

struct InstructionKind {
  const char* id;
  std::vector<std::string> arguments;  // all that it reads
  absl::StatusOr<InstructionCheck> (*make)(const InstructionArguments& arguments);
};

// The families, a file each.
std::vector<InstructionKind> KeywordInstructions();   // keywords:*
std::vector<InstructionKind> LengthInstructions();    // length_constraints:*
std::vector<InstructionKind> FormatInstructions();    // detectable_format:*, detectable_content:*
std::vector<InstructionKind> ResponseInstructions();  // about the whole response: all others

}  // namespace grpo
