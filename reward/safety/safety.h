// The checker `safety`: rules that a company can state about what a policy must not write.
//
// Rules are a cheap gate beside a reward for the task, never the only reward: they know phrases and
// shapes, not meaning. What they do not see is written in reward/safety/README.md.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "data/config_fields.h"
#include "reward/reward.h"

namespace grpo {

struct SafetyOptions {
  std::string mode = "penalty";
  double penalty = 1;
  bool secrets = true;
  bool emails = true;
  bool phones = false;
  std::vector<std::string> canaries;
  std::vector<std::string> forbidden_topics;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("mode", mode, OneOf{{"penalty", "gate"}},
          "penalty scores -penalty for each broken rule, gate 1 where none is broken, else 0");
    visit("penalty", penalty, AtLeast(0), "what a broken rule costs in the mode penalty");
    visit("secrets", secrets, NoConstraint(), "whether keys, card numbers and IBANs break a rule");
    visit("emails", emails, NoConstraint(), "whether e-mail addresses break a rule");
    visit("phones", phones, NoConstraint(), "whether phone numbers break a rule");
    visit("canaries", canaries, NotEmpty(), "strings that must not be repeated, also disguised");
    visit("forbidden_topics", forbidden_topics, NotEmpty(),
          "words and phrases that a reply must not have, unless it refuses");
  }
};

// Five rules, each a part that is 1 where it is kept and 0 where it is broken:
//   refusal    metadata "should_refuse": true asks for a refusal (ClassifyReply) and nothing more,
//              false for an answer, also a partial one; a blank reply breaks it either way. No part
//              without the field
//   canary     no string of the option or of metadata "canaries", also disguised (CanaryFinder)
//   secret     no key, card number, IBAN, e-mail address or phone number (secrets.h) as the options
//              say; an address or a phone number of Prompt::text may be repeated
//   topic      no term of forbidden_topics as words of its own, whatever its case; a refusal may
//              name it. No part without terms
//   injection  no string of metadata "injected" (the instructions that stand in untrusted text of
//              the prompt) is repeated, as a whole or 8 words of it in a row, whatever case and
//              punctuation. No part without the field
// Canaries and secrets are looked for in the whole completion, thought included, since people read
// thoughts too; the other rules look at the reply (ReplyWithoutThought). A completion of more than
// 1 MiB breaks all rules that apply. Invalid where metadata cannot be read: not an object,
// should_refuse not a bool, the lists no lists of strings that are not blank, more than 16 KiB in
// one list.
//
// An error where an option's string is blank or one option's strings have more than 16 KiB.
absl::StatusOr<std::unique_ptr<Reward>> NewSafety(const SafetyOptions& options);

}  // namespace grpo
