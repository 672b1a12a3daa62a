#include "rl/eval/contamination.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/types/optional.h"

#include "data/record_file.h"
#include "data/status_macros.h"
#include "data/words.h"

namespace grpo {
namespace {

using Words = std::vector<std::string>;

constexpr size_t kShortestSequence = 3, kRepeated = 3, kPassageWords = 40;

// What all texts that have words begin with, and end with, is taken off them.
void TakeOffWhatAllShare(std::vector<Words>& texts) {
  const auto shared = [&texts](auto begin_of) {
    const Words* first = nullptr;
    size_t count = 0;
    for (const Words& words : texts) {
      if (words.empty()) continue;
      if (first == nullptr) {
        first = &words;
        count = words.size();
        continue;
      }
      count = std::min(count, words.size());
      count = std::mismatch(begin_of(words), begin_of(words) + count, begin_of(*first)).first -
              begin_of(words);
    }
    return count;
  };
  const auto several =
      std::count_if(texts.begin(), texts.end(), [](const Words& words) { return !words.empty(); });
  if (several < 2) return;
  const size_t front = shared([](const Words& words) { return words.begin(); });
  for (Words& words : texts) {
    if (!words.empty()) words.erase(words.begin(), words.begin() + front);
  }
  const size_t back = shared([](const Words& words) { return words.rbegin(); });
  for (Words& words : texts) words.resize(words.size() - std::min(back, words.size()));
}

// A sequence as a key.
absl::string_view KeyOf(const std::vector<uint32_t>& ids, size_t begin, size_t length) {
  return {reinterpret_cast<const char*>(ids.data() + begin), length * sizeof(uint32_t)};
}

template <typename Use>
void ForEachText(const nlohmann::json& value, const Use& use) {
  if (value.is_string()) use(value.get_ref<const std::string&>());
  if (!value.is_structured()) return;
  for (const nlohmann::json& part : value) ForEachText(part, use);
}

}  // namespace

OverlapFinder::OverlapFinder(const std::vector<Prompt>& problems, int length) : length_(length) {
  std::vector<Words> prompts, solutions;
  for (const Prompt& problem : problems) {
    problems_.push_back({problem.name, {}, "", ""});
    prompts.push_back(SplitWords(problem.text));
    solutions.push_back(SplitWords(problem.demonstration));
  }
  TakeOffWhatAllShare(prompts);
  TakeOffWhatAllShare(solutions);
  for (size_t i = 0; i < problems.size(); ++i) {
    AddText(i, prompts[i], kShortestSequence);
    AddText(i, solutions[i], length_);
  }
  for (auto& [key, places] : places_) {
    absl::flat_hash_map<uint32_t, int> of_problem;
    for (const Place& place : places) ++of_problem[place.problem];
    if (of_problem.size() >= kRepeated) places.clear();
  }
  absl::erase_if(places_, [](const auto& entry) { return entry.second.empty(); });
  // Numbers of the sequences that are left.
  for (auto& [key, places] : places_) {
    for (Place& place : places) {
      std::vector<bool>& found = problems_[place.problem].found;
      place.sequence = found.size();
      found.push_back(false);
    }
    const size_t words = key.size() / sizeof(uint32_t);
    if (std::find(lengths_.begin(), lengths_.end(), words) == lengths_.end()) {
      lengths_.push_back(words);
    }
  }
  std::sort(lengths_.rbegin(), lengths_.rend());
}

void OverlapFinder::AddText(uint32_t problem, const Words& words, size_t least) {
  if (words.size() < least) return;
  std::vector<uint32_t> ids;
  for (const std::string& word : words) {
    ids.push_back(word_ids_.try_emplace(word, word_ids_.size() + 1).first->second);
  }
  const size_t length = std::min(length_, words.size());
  for (size_t begin = 0; begin + length <= ids.size(); ++begin) {
    places_[KeyOf(ids, begin, length)].push_back({problem, 0});
  }
}

const std::vector<OverlapFinder::Place>* OverlapFinder::PlacesOf(const std::vector<uint32_t>& ids,
                                                                 size_t begin,
                                                                 size_t length) const {
  if (begin + length > ids.size()) return nullptr;
  const auto found = places_.find(KeyOf(ids, begin, length));
  return found == places_.end() ? nullptr : &found->second;
}

void OverlapFinder::NotePassage(Problem& problem, uint32_t index, const Words& words,
                                const std::vector<uint32_t>& ids, size_t begin, size_t length) {
  size_t end = begin + length;
  for (size_t next = begin + 1; end - begin < kPassageWords; ++next, ++end) {
    const std::vector<Place>* const places = PlacesOf(ids, next, length);
    const auto is_own = [&](const Place& place) { return place.problem == index; };
    if (places == nullptr || std::none_of(places->begin(), places->end(), is_own)) break;
  }
  problem.passage = absl::StrJoin(words.begin() + begin, words.begin() + end, " ");
}

void OverlapFinder::Look(absl::string_view text, const std::string& where) {
  const Words words = SplitWords(text);
  std::vector<uint32_t> ids;  // 0: a word of no problem
  for (const std::string& word : words) {
    const auto id = word_ids_.find(word);
    ids.push_back(id == word_ids_.end() ? 0 : id->second);
  }
  for (size_t length : lengths_) {
    for (size_t begin = 0; begin + length <= ids.size(); ++begin) {
      const std::vector<Place>* const places = PlacesOf(ids, begin, length);
      if (places == nullptr) continue;
      for (const Place& place : *places) {
        Problem& problem = problems_[place.problem];
        problem.found[place.sequence] = true;
        if (!problem.where.empty()) continue;
        problem.where = where;
        NotePassage(problem, place.problem, words, ids, begin, length);
      }
    }
  }
}

std::vector<OverlappingProblem> OverlapFinder::Found() const {
  std::vector<OverlappingProblem> overlapping;
  for (const Problem& problem : problems_) {
    const double found = std::count(problem.found.begin(), problem.found.end(), true);
    if (found == 0) continue;
    overlapping.push_back(
        {problem.id, found / problem.found.size(), problem.where, problem.passage});
  }
  return overlapping;
}

int OverlapFinder::comparable() const {
  return std::count_if(problems_.begin(), problems_.end(),
                       [](const Problem& problem) { return !problem.found.empty(); });
}

double ContaminationReport::Share() const {
  return problems == 0 ? 0 : static_cast<double>(overlapping.size()) / problems;
}

absl::StatusOr<ContaminationReport> FindContamination(const std::vector<Prompt>& problems,
                                                      const std::vector<std::string>& files,
                                                      int length) {
  OverlapFinder finder(problems, length);
  ContaminationReport report;
  report.problems = problems.size();
  report.comparable = finder.comparable();
  report.length = length;
  for (const std::string& path : files) {
    ASSIGN_OR_RETURN(const std::unique_ptr<RecordFile> file, RecordFile::Open(path));
    while (true) {
      ASSIGN_OR_RETURN(const absl::optional<DataRecord> record, file->Next());
      if (!record.has_value()) break;
      ++report.records;
      ForEachText(record->value,
                  [&](const std::string& text) { finder.Look(text, record->where); });
    }
  }
  report.overlapping = finder.Found();
  return report;
}

nlohmann::ordered_json ContaminationToJson(const ContaminationReport& report) {
  nlohmann::ordered_json overlapping = nlohmann::ordered_json::array();
  for (const OverlappingProblem& problem : report.overlapping) {
    overlapping.push_back({{"id", problem.id},
                           {"share", problem.share},
                           {"where", problem.where},
                           {"passage", problem.passage}});
  }
  return {{"problems", report.problems}, {"comparable", report.comparable},
          {"length", report.length},     {"records", report.records},
          {"share", report.Share()},     {"overlapping", std::move(overlapping)}};
}

}  // namespace grpo
