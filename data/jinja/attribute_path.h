// The attribute that filters such as map and sort take: "name", "author.name", "0", 0, or several
// of them between commas.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"

#include "data/jinja/runtime.h"
#include "data/jinja/value.h"

namespace grpo::jinja {

class AttributePath {
 public:
  // None gives a path of no steps, which leads to the item itself.
  static absl::StatusOr<AttributePath> Parse(Runtime& runtime, const Value& attribute);
  // "a.b,c": one path for each part.
  static absl::StatusOr<std::vector<AttributePath>> ParseSeveral(Runtime& runtime,
                                                                 const Value& attribute);

  // What the path leads to; `otherwise`, where given, stands for what is undefined on the way.
  absl::StatusOr<Value> Follow(Runtime& runtime, Value item,
                               const absl::optional<Value>& otherwise = absl::nullopt) const;

 private:
  std::vector<Value> steps_;  // strings and integers
};

}  // namespace grpo::jinja
