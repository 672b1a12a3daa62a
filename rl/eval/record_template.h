// A suite's templates, and the problem that they make of a record.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

#include "data/chat_template.h"
#include "data/prompt.h"
#include "data/record_file.h"
#include "rl/eval/suite.h"

namespace grpo {

class RecordTemplates {
 public:
  static absl::StatusOr<RecordTemplates> Parse(const SuiteRecord& config);
  // Whether they can be parsed. The error names the key.
  static absl::Status Check(const SuiteRecord& config) { return Parse(config).status(); }

  // What templates see besides the record's fields.
  struct Context {
    nlohmann::json joined;                           // null where there is none
    nlohmann::json shots = nlohmann::json::array();  // worked examples, records
    int64_t record_number = 0;
  };

  // The problem, all but its Prompt::id. kInvalidArgument says what is wrong with the record, and
  // names it.
  absl::StatusOr<Prompt> ProblemOf(const DataRecord& record, const Context& context) const;

 private:
  // A field that must be there, and what it may be.
  struct Field {
    std::string name;
    std::vector<std::string> kinds;
  };
  using Template = std::shared_ptr<const ChatTemplate>;  // null: an empty text

  static absl::StatusOr<Field> ParseField(const std::string& text);
  absl::Status CheckFields(const DataRecord& record) const;

  std::vector<Field> fields_;
  Template id_, prompt_, answer_, family_, level_, metadata_, solution_;
};

}  // namespace grpo
