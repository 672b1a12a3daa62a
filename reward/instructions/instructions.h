// Whether a completion follows the verifiable instructions of its prompt.
#pragma once

#include <memory>
#include <string>

#include "data/config_fields.h"
#include "reward/reward.h"

namespace grpo {

struct InstructionsOptions {
  std::string mode = "strict";
  std::string score = "all";

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("mode", mode, OneOf{{"strict", "loose"}},
          "strict: the completion as it is; loose: also without its first line, its last line, "
          "both, and each of these without asterisks");
    visit("score", score, OneOf{{"all", "share"}},
          "all: 1 where every instruction is followed, else 0; share: the share of those followed");
  }
};

// IFEval's instructions (instruction.h) out of the metadata, in either form:
//   {"instruction_id_list": ["punctuation:no_comma", …], "kwargs": [{}, …]}
//   {"instructions": [{"id": "length_constraints:number_words", "relation": "at least",
//                      "num_words": 300}, …]}
// In loose mode an instruction is followed where any of the eight variants follows it. A blank
// completion follows none. Parts: each instruction by its id, 1 or 0; a second one of the same id
// has "#2" behind it. Invalid where the metadata names no instruction or one that cannot be made.
std::unique_ptr<Reward> NewInstructions(const InstructionsOptions& options);

}  // namespace grpo
