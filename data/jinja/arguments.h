// Binds the arguments of a call to the parameters of a function, as Python does.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

#include "data/jinja/runtime.h"
#include "data/jinja/value.h"

namespace grpo::jinja {

struct Parameter {
  absl::string_view name;  // empty where only a position names it
  bool required = false;
};

// The arguments in the order of the parameters.
class BoundArguments {
 public:
  explicit BoundArguments(std::vector<const Value*> values) : values_(std::move(values)) {}

  bool Has(size_t index) const { return values_[index] != nullptr; }
  // None where the argument was left out.
  const Value& Get(size_t index) const { return Has(index) ? *values_[index] : none_; }

  // Each with what counts where the argument was left out; an error for another type.
  absl::StatusOr<int64_t> Int(size_t index, int64_t otherwise) const;
  absl::StatusOr<std::string> String(size_t index, absl::string_view otherwise) const;
  // Nothing for None too.
  absl::StatusOr<absl::optional<std::string>> OptionalString(size_t index) const;
  bool Bool(size_t index, bool otherwise) const {
    return Has(index) ? Truth(Get(index)) : otherwise;
  }

 private:
  std::vector<const Value*> values_;  // of the Arguments, which must outlive this
  Value none_;
};

// An error for an argument too many, missing, unknown or given twice.
absl::StatusOr<BoundArguments> Bind(absl::string_view function, const Arguments& arguments,
                                    std::initializer_list<Parameter> parameters);

}  // namespace grpo::jinja
