// The options of one checker, whichever it is: a struct with VisitFields (data/config_fields.h)
// behind an interface.
#pragma once

#include <memory>
#include <utility>

#include "data/field_visitor.h"

namespace grpo {

class CheckerOptions {
 public:
  virtual ~CheckerOptions() = default;
  virtual std::unique_ptr<CheckerOptions> Clone() const = 0;
  virtual void VisitFields(FieldVisitor& visit) = 0;
};

template <typename Options>
class CheckerOptionsOf final : public CheckerOptions {
 public:
  CheckerOptionsOf() = default;
  explicit CheckerOptionsOf(Options options) : options_(std::move(options)) {}

  std::unique_ptr<CheckerOptions> Clone() const override {
    return std::make_unique<CheckerOptionsOf>(options_);
  }
  void VisitFields(FieldVisitor& visit) override { options_.VisitFields(visit); }

  const Options& options() const { return options_; }

 private:
  Options options_;
};

}  // namespace grpo
