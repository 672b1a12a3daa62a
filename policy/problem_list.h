// Everything that is wrong with a thing, so that one message can name it all.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace grpo {

class ProblemList {
 public:
  // Takes the parts of a sentence, as absl::StrCat does.
  template <typename... Parts>
  void Add(const Parts&... parts) {
    list_.push_back(absl::StrCat(parts...));
  }

  // kInvalidArgument with all of them where there is one; `origin` names the thing.
  absl::Status ToStatus(const std::string& origin) const {
    if (list_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(origin, ": ", absl::StrJoin(list_, "; ")));
  }

 private:
  std::vector<std::string> list_;
};

}  // namespace grpo
