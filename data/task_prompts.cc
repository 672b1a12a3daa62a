#include "data/task_prompts.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include <nlohmann/json.hpp>

#include "data/check.h"
#include "data/status_macros.h"

namespace grpo {
namespace {

// Separates the random streams of the draws from those of the held-out problems.
constexpr uint64_t kDrawStreams = 0x7A5B1, kHeldOutStreams = 0x7A5B2;
// Draws in a row that give nothing new before a family counts as used up.
constexpr int kMaxRepeats = 20000;
constexpr char kHastyThought[] = "I guess.";

absl::Status CheckShare(const TaskShare& share, size_t index) {
  const TaskFamily* family = FindTaskFamily(share.family);
  if (family == nullptr) {
    const std::string known = absl::StrJoin(
        TaskFamilies(), ", ",
        [](std::string* out, const TaskFamily* each) { absl::StrAppend(out, each->name()); });
    return absl::InvalidArgumentError(absl::StrCat("task ", index, ": unknown family \"",
                                                   share.family, "\"; the families are ", known));
  }
  if (share.level < 1 || share.level > family->max_level()) {
    return absl::InvalidArgumentError(
        absl::StrCat("task ", index, ": ", share.family, " has levels 1 to ", family->max_level(),
                     ", found ", share.level, " (", family->description(), ")"));
  }
  if (!(share.weight >= 0 && share.weight <= 1e9)) {
    return absl::InvalidArgumentError(absl::StrCat("task ", index, " (", share.family,
                                                   "): expected a weight of 0 to 1e9, found ",
                                                   share.weight));
  }
  return absl::OkStatus();
}

absl::Status CheckMixture(const std::vector<TaskShare>& mixture) {
  double sum = 0;
  for (size_t i = 0; i < mixture.size(); ++i) {
    RETURN_IF_ERROR(CheckShare(mixture[i], i));
    sum += mixture[i].weight;
  }
  if (sum <= 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("the mixture of tasks has ", mixture.size(),
                     " entries and none with a weight above 0; name at least one"));
  }
  return absl::OkStatus();
}

const TaskShare& PickShare(const std::vector<TaskShare>& mixture, RandomStream& random) {
  double sum = 0;
  for (const TaskShare& share : mixture) sum += share.weight;
  double left = random.Uniform() * sum;
  const TaskShare* last = nullptr;
  for (const TaskShare& share : mixture) {
    if (share.weight <= 0) continue;
    last = &share;
    left -= share.weight;
    if (left < 0) break;
  }
  GRPO_CHECK(last != nullptr);
  return *last;
}

std::string Demonstration(absl::string_view thought, absl::string_view answer) {
  return absl::StrCat("<think>", thought, "</think><answer>", answer, "</answer>");
}

Prompt ToPrompt(const TaskShare& share, TaskProblem problem, uint64_t id, bool hasty) {
  Prompt prompt;
  prompt.id = id;
  prompt.name = absl::StrCat(share.family, "/", share.level, "/", id);
  prompt.family = share.family;
  prompt.pool = absl::StrCat(share.family, "/", share.level);
  prompt.text = std::move(problem.question);
  prompt.demonstration = hasty ? Demonstration(kHastyThought, problem.guess)
                               : Demonstration(problem.reasoning, problem.answer);
  prompt.answer = std::move(problem.answer);
  prompt.metadata_json = std::move(problem.metadata_json);
  return prompt;
}

// The entry furthest behind its share of the problems so far: smooth weighted round-robin.
size_t NextTurn(const std::vector<TaskShare>& mixture, std::vector<double>& credit) {
  double sum = 0;
  size_t best = mixture.size();
  for (size_t i = 0; i < mixture.size(); ++i) {
    if (mixture[i].weight <= 0) continue;
    sum += mixture[i].weight;
    credit[i] += mixture[i].weight;
    if (best == mixture.size() || credit[i] > credit[best]) best = i;
  }
  credit[best] -= sum;
  return best;
}

// A held-out problem of the share that is not yet in `seen`.
absl::StatusOr<TaskProblem> NewProblem(const TaskShare& share, RandomStream& random,
                                       std::set<std::string>& seen) {
  const TaskFamily& family = *FindTaskFamily(share.family);
  for (int repeats = 0; repeats < kMaxRepeats; ++repeats) {
    TaskProblem problem = GenerateInSplit(family, share.level, TaskSplit::kHeldOut, random);
    if (seen.insert(problem.question).second) return problem;
  }
  return absl::ResourceExhaustedError(absl::StrCat(
      "task family ", share.family, " at level ", share.level,
      " has no more different held-out problems; ask for fewer, lower its weight or raise its "
      "level"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<TaskPrompts>> TaskPrompts::Create(TaskPromptsOptions options) {
  RETURN_IF_ERROR(CheckMixture(options.mixture));
  if (options.world_size < 1 || options.rank < 0 || options.rank >= options.world_size) {
    return absl::InvalidArgumentError(absl::StrCat("rank ", options.rank, " of ",
                                                   options.world_size,
                                                   ": expected 0 <= rank < number of ranks"));
  }
  if (!(options.hasty_share >= 0 && options.hasty_share <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("hasty_share: expected 0 to 1, found ", options.hasty_share));
  }
  return std::unique_ptr<TaskPrompts>(new TaskPrompts(std::move(options)));
}

Prompt TaskPrompts::Draw(uint64_t number) const {
  RandomStream random(MixSeed(options_.seed, kDrawStreams), number);
  const TaskShare& share = PickShare(options_.mixture, random);
  const bool hasty = random.Uniform() < options_.hasty_share;
  return ToPrompt(
      share, GenerateInSplit(*FindTaskFamily(share.family), share.level, options_.split, random),
      number, hasty);
}

absl::StatusOr<std::vector<Prompt>> TaskPrompts::Next(int count) {
  if (count < 0) {
    return absl::InvalidArgumentError(absl::StrCat("expected a count >= 0, found ", count));
  }
  std::vector<Prompt> prompts;
  prompts.reserve(count);
  for (int i = 0; i < count; ++i, next_draw_ += options_.world_size) {
    prompts.push_back(Draw(next_draw_ + options_.rank));
  }
  return prompts;
}

std::string TaskPrompts::Cursor() const { return nlohmann::json{{"draw", next_draw_}}.dump(); }

absl::Status TaskPrompts::Restore(const std::string& cursor) {
  const auto json = nlohmann::json::parse(cursor, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || json.size() != 1 || !json.contains("draw") ||
      !json["draw"].is_number_unsigned()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "cursor of the task prompts: expected {\"draw\": number}, found ", cursor.substr(0, 200)));
  }
  next_draw_ = json["draw"].get<uint64_t>();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Prompt>> HeldOutProblems(const std::vector<TaskShare>& mixture,
                                                    int count, uint64_t seed) {
  RETURN_IF_ERROR(CheckMixture(mixture));
  std::vector<Prompt> prompts;
  std::vector<double> credit(mixture.size(), 0);
  std::vector<RandomStream> streams;
  for (size_t i = 0; i < mixture.size(); ++i) {
    streams.emplace_back(MixSeed(seed, kHeldOutStreams), i);
  }
  std::set<std::string> seen;
  for (int id = 0; id < count; ++id) {
    const size_t turn = NextTurn(mixture, credit);
    ASSIGN_OR_RETURN(TaskProblem problem, NewProblem(mixture[turn], streams[turn], seen));
    prompts.push_back(ToPrompt(mixture[turn], std::move(problem), id, /*hasty=*/false));
  }
  return prompts;
}

}  // namespace grpo
