#include "rl/token_ids.h"

#include "absl/strings/str_cat.h"

namespace grpo {

absl::StatusOr<std::vector<int32_t>> TokenIdsFromJson(const nlohmann::json& list, int vocabulary) {
  std::vector<int32_t> tokens;
  for (const nlohmann::json& id : list) {
    if (!id.is_number_integer() || id.get<double>() < 0 || id.get<double>() >= vocabulary) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected token ids from 0 to ", vocabulary - 1, ", found ", id.dump()));
    }
    tokens.push_back(id.get<int32_t>());
  }
  return tokens;
}

}  // namespace grpo
