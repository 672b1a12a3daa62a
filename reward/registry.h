// The checkers by name: what a recipe's [[reward]] entry may say, and the checker made of it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "data/config_fields.h"
#include "data/field_visitor.h"
#include "reward/checker_options.h"
#include "reward/reward.h"

namespace grpo {

// One entry of [[reward]] in a recipe: a checker, its part in the whole (reward/composition.h) and
// its options.
struct RewardSpec {
  std::string name;  // of a registered checker: "final_answer", "format", …
  double weight = 1;
  bool gate = false;
  std::vector<std::string> families;
  std::string label;  // in metrics and messages; empty: the checker's name
  // The checker's own options; null: its defaults. RewardSpecOf makes them.
  std::shared_ptr<const CheckerOptions> options;

  // The fields above, and then those of the checker that `name` says. Without a known name: those
  // of all checkers, each key once.
  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("name", name, KnownNames(), "the checker");
    VisitCommonFields(visit);
    WrappedVisitor<Visitor> wrapped(visit);
    VisitOptions(wrapped);
  }

  // Those that every entry has besides its name.
  template <typename Visitor>
  void VisitCommonFields(Visitor& visit) {
    visit("weight", weight, Range(-1000, 1000), "factor of its score");
    visit("gate", gate, NoConstraint(),
          "its score, 0 to 1, scales what the others earn, and is not added");
    visit("families", families, NotEmpty(), "applies to prompts of these families; [] is all");
    visit("label", label, NoConstraint(), "name in metrics; the checker's when empty");
  }

 private:
  static OneOf KnownNames();
  void VisitOptions(FieldVisitor& visit);
};

// A specification with options that are not the defaults:
//   RewardSpecOf("repetition", RepetitionOptions{.ngram = 3})
template <typename Options>
RewardSpec RewardSpecOf(std::string name, Options options) {
  RewardSpec spec;
  spec.name = std::move(name);
  spec.options = std::make_shared<CheckerOptionsOf<Options>>(std::move(options));
  return spec;
}

// The specification's checker. The error lists the known names, or says which option is out of its
// range or is not this checker's.
absl::StatusOr<std::unique_ptr<Reward>> MakeReward(const RewardSpec& spec);

// The names in the registry's order; one that ends in ':' takes the rest of a name as an argument,
// as "plugin:" does in "plugin:./mine.so".
std::vector<std::string> RewardNames();

// What a checker of RewardNames() says, in one line, and its options with their defaults.
std::string RewardDocumentation(const std::string& name);
std::unique_ptr<CheckerOptions> DefaultOptions(const std::string& name);

}  // namespace grpo
