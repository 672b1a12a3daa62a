// Whether training data holds a suite's problems: sequences of words that both have. With such a
// problem a suite measures memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include <nlohmann/json.hpp>

#include "data/prompt.h"

namespace grpo {

// A problem of which training data has some.
struct OverlappingProblem {
  std::string id;
  double share = 0;     // of the problem's sequences that the training data has, above 0
  std::string where;    // the first record with one: "train.jsonl:12"
  std::string passage;  // the words that the two have in common there, from the first sequence on
};

// Finds problems in texts by sequences of `length` words (data/words.h), 10 as in "DeepSeekMath:
// Pushing the Limits of Mathematical Reasoning in Open Language Models" (Shao et al. 2024, section
// 2.1). A problem's words are those of its prompt and of its solution, without what all problems
// begin or end with: the suite's own instructions. Sequences of three problems or more are
// phrases that a suite repeats; they don't count. A prompt of 3 words or more that is shorter than
// `length` is looked for as a whole; shorter ones and shorter solutions are not.
class OverlapFinder {
 public:
  OverlapFinder(const std::vector<Prompt>& problems, int length);

  // A text of the training data; `where` it stands.
  void Look(absl::string_view text, const std::string& where);

  // In the problems' order.
  std::vector<OverlappingProblem> Found() const;

  // Problems that have a sequence to look for.
  int comparable() const;

 private:
  struct Place {
    uint32_t problem;
    uint32_t sequence;  // of the problem's
  };
  struct Problem {
    std::string id;
    std::vector<bool> found;  // of each sequence
    std::string where;
    std::string passage;
  };

  void AddText(uint32_t problem, const std::vector<std::string>& words, size_t least);
  void NotePassage(Problem& problem, uint32_t index, const std::vector<std::string>& words,
                   const std::vector<uint32_t>& ids, size_t begin, size_t length);
  const std::vector<Place>* PlacesOf(const std::vector<uint32_t>& ids, size_t begin,
                                     size_t length) const;

  const size_t length_;
  std::vector<Problem> problems_;
  absl::flat_hash_map<std::string, uint32_t> word_ids_;  // of the problems' words, from 1
  // By the ids of its words, byte for byte.
  absl::flat_hash_map<std::string, std::vector<Place>> places_;
  std::vector<size_t> lengths_;  // of sequences, each once
};

struct ContaminationReport {
  int problems = 0;
  int comparable = 0;
  int length = 0;       // of sequences
  int64_t records = 0;  // of training data
  std::vector<OverlappingProblem> overlapping;

  // The share of all problems that overlap.
  double Share() const;
};

// Looks in every text of every record of the files (data/record_file.h), however deep it stands.
absl::StatusOr<ContaminationReport> FindContamination(const std::vector<Prompt>& problems,
                                                      const std::vector<std::string>& files,
                                                      int length);

nlohmann::ordered_json ContaminationToJson(const ContaminationReport& report);

}  // namespace grpo
