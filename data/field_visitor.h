// The fields of a configuration struct behind an interface, for structs that are known by a name
// only when the program runs. data/config_fields.h describes fields and visitors; this is the same
// list without templates.
//
// A struct's own VisitFields takes a FieldVisitor as it takes any visitor; WrappedVisitor turns any
// visitor into a FieldVisitor.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "data/config_fields.h"

namespace grpo {

using FieldPointer = std::variant<bool*, int*, int64_t*, double*, std::string*,
                                  std::vector<std::string>*, std::vector<double>*>;
using FieldConstraint = std::variant<NoConstraint, Range, OneOf, NotEmpty>;

class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;

  template <typename T, typename Constraint>
  void operator()(const char* key, T& field, const Constraint& constraint,
                  const char* documentation) {
    using Stored = std::conditional_t<std::is_base_of_v<Range, Constraint>, Range, Constraint>;
    Visit(key, &field, FieldConstraint(std::in_place_type<Stored>, constraint), documentation);
  }

  virtual void Visit(const char* key, const FieldPointer& field, const FieldConstraint& constraint,
                     const char* documentation) = 0;
};

// Whether the constraint says something of fields of this type.
template <typename T, typename Constraint>
constexpr bool ConstraintFits() {
  constexpr bool is_text =
      std::is_same_v<T, std::string> || std::is_same_v<T, std::vector<std::string>>;
  if (std::is_same_v<Constraint, NoConstraint>) return true;
  if (std::is_same_v<T, bool>) return false;
  return std::is_same_v<Constraint, Range> ? !is_text : is_text;
}

template <typename Visitor>
class WrappedVisitor final : public FieldVisitor {
 public:
  explicit WrappedVisitor(Visitor& visitor) : visitor_(visitor) {}

  void Visit(const char* key, const FieldPointer& field, const FieldConstraint& constraint,
             const char* documentation) override {
    std::visit(
        [&](auto* value, const auto& bounds) {
          using T = std::remove_reference_t<decltype(*value)>;
          using Constraint = std::decay_t<decltype(bounds)>;
          if constexpr (ConstraintFits<T, Constraint>()) {
            visitor_(key, *value, bounds, documentation);
          }
        },
        field, constraint);
  }

 private:
  Visitor& visitor_;
};

}  // namespace grpo
