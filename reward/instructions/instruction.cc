#include "reward/instructions/instruction.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "data/json.h"
#include "data/json_fields.h"
#include "data/status_macros.h"
#include "reward/instructions/instruction_kind.h"
#include "reward/style/characters.h"

namespace grpo {
namespace {

const std::map<std::string, InstructionKind>& Kinds() {
  static const auto* const kinds = [] {
    auto* const table = new std::map<std::string, InstructionKind>;
    for (const auto& family : {KeywordInstructions(), LengthInstructions(), FormatInstructions(),
                               ResponseInstructions()}) {
      for (const InstructionKind& kind : family) table->emplace(kind.id, kind);
    }
    return table;
  }();
  return *kinds;
}

}  // namespace

const nlohmann::json& InstructionArguments::Value(const std::string& key) const {
  return FieldOrNull(arguments_, key);
}

absl::Status InstructionArguments::Wrong(const std::string& key,
                                         const std::string& expected) const {
  const nlohmann::json& value = Value(key);
  const std::string found =
      value.is_null()
          ? "nothing"
          : QuoteForMessage(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return absl::InvalidArgumentError(
      absl::StrCat("instruction ", id_, ": ", key, ": expected ", expected, ", found ", found));
}

absl::Status InstructionArguments::CheckKeys(const std::vector<std::string>& known) const {
  for (const auto& [key, value] : arguments_.items()) {
    if (value.is_null() || std::find(known.begin(), known.end(), key) != known.end()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("instruction ", id_, " has the unknown argument \"", QuoteForMessage(key),
                     "\"; it reads ", known.empty() ? "none" : absl::StrJoin(known, ", ")));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> InstructionArguments::Text(const std::string& key) const {
  const nlohmann::json& value = Value(key);
  if (!value.is_string() || IsBlank(value.get_ref<const std::string&>())) {
    return Wrong(key, "a string that is not blank");
  }
  return value.get<std::string>();
}

absl::StatusOr<std::vector<std::string>> InstructionArguments::Texts(const std::string& key) const {
  const nlohmann::json& value = Value(key);
  std::vector<std::string> texts;
  if (value.is_array()) {
    for (const nlohmann::json& item : value) {
      if (item.is_string() && !item.get_ref<const std::string&>().empty()) {
        texts.push_back(item.get<std::string>());
      }
    }
  }
  if (texts.empty() || texts.size() != value.size()) {
    return Wrong(key, "a list of strings, none of them empty");
  }
  return texts;
}

absl::StatusOr<int64_t> InstructionArguments::Count(const std::string& key) const {
  constexpr double kMax = 1e9;
  const nlohmann::json& value = Value(key);
  const double number = value.is_number() ? value.get<double>() : -1;
  if (!(number >= 0 && number <= kMax) || number != std::floor(number)) {
    return Wrong(key, "an integer from 0 to 1e9");
  }
  return static_cast<int64_t>(number);
}

absl::StatusOr<Comparison> ReadComparison(const InstructionArguments& arguments,
                                          const std::string& relation_key,
                                          const std::string& threshold_key) {
  ASSIGN_OR_RETURN(const std::string relation, arguments.Text(relation_key));
  if (relation != "at least" && relation != "less than") {
    return arguments.Wrong(relation_key, "\"at least\" or \"less than\"");
  }
  ASSIGN_OR_RETURN(const int64_t threshold, arguments.Count(threshold_key));
  return Comparison{relation == "at least", static_cast<size_t>(threshold)};
}

absl::StatusOr<InstructionCheck> MakeInstruction(const std::string& id,
                                                 const nlohmann::json& arguments) {
  const auto kind = Kinds().find(id);
  if (kind == Kinds().end()) {
    return absl::InvalidArgumentError(absl::StrCat("unknown instruction \"", QuoteForMessage(id),
                                                   "\"; known are ",
                                                   absl::StrJoin(InstructionIds(), ", ")));
  }
  if (!arguments.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat("the arguments of instruction ", id, " are ",
                                                   JsonKind(arguments), ", expected an object"));
  }
  const InstructionArguments reader(id, arguments);
  RETURN_IF_ERROR(reader.CheckKeys(kind->second.arguments));
  return kind->second.make(reader);
}

std::vector<std::string> InstructionIds() {
  std::vector<std::string> ids;
  for (const auto& [id, kind] : Kinds()) ids.push_back(id);
  return ids;
}

}  // namespace grpo
