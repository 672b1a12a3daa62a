#include "reward/instructions/instructions.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

#include "data/json.h"
#include "data/json_fields.h"
#include "data/status_macros.h"
#include "data/utf8.h"
#include "reward/instructions/instruction.h"
#include "reward/metadata.h"
#include "reward/style/characters.h"

namespace grpo {
namespace {

constexpr size_t kMaxInstructions = 256;

struct NamedCheck {
  std::string id;
  InstructionCheck follows;
};

absl::Status AddCheck(const std::string& id, const nlohmann::json& arguments,
                      std::vector<NamedCheck>* checks) {
  if (checks->size() == kMaxInstructions) {
    return absl::InvalidArgumentError(
        absl::StrCat("more than ", kMaxInstructions, " instructions for one prompt"));
  }
  ASSIGN_OR_RETURN(InstructionCheck follows, MakeInstruction(id, arguments));
  checks->push_back({id, std::move(follows)});
  return absl::OkStatus();
}

// {"instruction_id_list": […], "kwargs": […]}; missing arguments count as none.
absl::StatusOr<std::vector<NamedCheck>> ReadIdList(const nlohmann::json& record) {
  ASSIGN_OR_RETURN(const std::vector<std::string> ids, StringsField(record, "instruction_id_list"));
  const nlohmann::json& arguments = FieldOrNull(record, "kwargs");
  if (!arguments.is_null() && (!arguments.is_array() || arguments.size() != ids.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"kwargs\" does not hold an object for each of the ", ids.size(),
                     " instructions of \"instruction_id_list\""));
  }
  std::vector<NamedCheck> checks;
  for (size_t i = 0; i < ids.size(); ++i) {
    const bool none = arguments.is_null() || arguments[i].is_null();
    RETURN_IF_ERROR(AddCheck(ids[i], none ? nlohmann::json::object() : arguments[i], &checks));
  }
  return checks;
}

// [{"id": …, arguments…}, …]; the arguments may also stand in an object "kwargs".
absl::StatusOr<std::vector<NamedCheck>> ReadObjects(const nlohmann::json& instructions) {
  std::vector<NamedCheck> checks;
  for (nlohmann::json instruction : instructions) {
    if (!instruction.is_object() || !FieldOrNull(instruction, "id").is_string()) {
      return absl::InvalidArgumentError(
          "an item of \"instructions\" is not an object with a string \"id\"");
    }
    const std::string id = instruction["id"].get<std::string>();
    instruction.erase("id");
    const bool nested = instruction.size() == 1 && FieldOrNull(instruction, "kwargs").is_object();
    RETURN_IF_ERROR(AddCheck(id, nested ? instruction["kwargs"] : instruction, &checks));
  }
  return checks;
}

absl::StatusOr<std::vector<NamedCheck>> ReadChecks(const Prompt& prompt) {
  ASSIGN_OR_RETURN(const nlohmann::json metadata, ParseMetadata(prompt));
  const nlohmann::json& instructions = FieldOrNull(metadata, "instructions");
  absl::StatusOr<std::vector<NamedCheck>> checks =
      instructions.is_array() ? ReadObjects(instructions)
                              : ReadIdList(instructions.is_object() ? instructions : metadata);
  if (checks.ok() && checks->empty()) {
    return absl::InvalidArgumentError(
        "the metadata has no instructions: expected \"instruction_id_list\" with \"kwargs\", or "
        "\"instructions\"");
  }
  return checks;
}

// The response without its first line, its last, and both, and each of the four without asterisks.
std::vector<std::string> LooseVariants(const std::string& response) {
  const size_t first = response.find('\n'), last = response.rfind('\n');
  absl::string_view no_first, no_last, neither;
  if (first != std::string::npos) {
    no_first = absl::string_view(response).substr(first + 1);
    no_last = absl::string_view(response).substr(0, last);
    if (last > first) neither = absl::string_view(response).substr(first + 1, last - first - 1);
  }
  std::vector<std::string> variants = {response};
  for (const absl::string_view text : {no_first, no_last, neither}) {
    variants.emplace_back(StripSpace(text));
  }
  for (size_t i = 0; i < 4; ++i) {
    variants.push_back(absl::StrReplaceAll(variants[i], {{"*", ""}}));
  }
  variants.erase(std::remove_if(variants.begin(), variants.end(),
                                [](const std::string& text) { return IsBlank(text); }),
                 variants.end());
  return variants;
}

std::string PartName(const std::vector<NamedCheck>& checks, size_t index) {
  const auto same =
      std::count_if(checks.begin(), checks.begin() + static_cast<int64_t>(index),
                    [&](const NamedCheck& check) { return check.id == checks[index].id; });
  return same == 0 ? checks[index].id : absl::StrCat(checks[index].id, "#", same + 1);
}

class Instructions : public Reward {
 public:
  explicit Instructions(const InstructionsOptions& options)
      : loose_(options.mode == "loose"), by_share_(options.score == "share") {}

  absl::string_view name() const override { return "instructions"; }

  RewardResult Score(const RewardRequest& request, const Deadline& deadline) const override {
    const auto checks = ReadChecks(request.prompt);
    if (!checks.ok()) return RewardResult::Invalid(std::string(checks.status().message()));
    std::vector<std::string> variants = {ReplaceInvalidUtf8(request.completion)};
    if (IsBlank(variants[0])) variants.clear();
    if (loose_ && !variants.empty()) variants = LooseVariants(variants[0]);

    RewardResult result;
    std::vector<std::string> broken;
    for (size_t i = 0; i < checks->size(); ++i) {
      if (deadline.Passed()) return RewardResult::Error("the deadline passed");
      const bool followed = std::any_of(variants.begin(), variants.end(), (*checks)[i].follows);
      result.parts.emplace_back(PartName(*checks, i), followed ? 1 : 0);
      if (!followed) broken.push_back(result.parts.back().first);
    }
    const double total = static_cast<double>(checks->size());
    const double share = (total - static_cast<double>(broken.size())) / total;
    result.score = by_share_ ? share : (broken.empty() ? 1 : 0);
    result.reason = broken.empty() ? absl::StrCat("all ", checks->size(), " followed")
                                   : absl::StrCat("not followed: ", absl::StrJoin(broken, ", "));
    return result;
  }

 private:
  const bool loose_, by_share_;
};

}  // namespace

std::unique_ptr<Reward> NewInstructions(const InstructionsOptions& options) {
  return std::make_unique<Instructions>(options);
}

}  // namespace grpo
