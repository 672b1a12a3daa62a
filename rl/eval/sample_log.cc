#include "rl/eval/sample_log.h"

#include <algorithm>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "data/json.h"
#include "data/status_macros.h"

namespace grpo {
namespace {

using nlohmann::ordered_json;

std::string Line(const ordered_json& record) {
  return record.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

absl::StatusOr<std::unique_ptr<SampleLog>> SampleLog::Open(const SampleLogOptions& options) {
  std::unique_ptr<SampleLog> log(new SampleLog(options));
  RETURN_IF_ERROR(MakeDirectories(options.folder));
  absl::Status identity = log->CheckIdentity();
  if (absl::IsFailedPrecondition(identity) && options.replaces) {
    RETURN_IF_ERROR(RemoveTree(options.folder));
    RETURN_IF_ERROR(MakeDirectories(options.folder));
    identity = log->CheckIdentity();
  }
  RETURN_IF_ERROR(identity);
  ASSIGN_OR_RETURN(const Index index, log->ReadIndex());
  for (int64_t problem = options.rank; problem < options.problems; problem += options.ranks) {
    if (index.places[problem].file < 0) log->left_.push_back(problem);
  }
  const std::string own = log->OwnFile();
  absl::MutexLock lock(&log->mutex_);
  ASSIGN_OR_RETURN(log->file_, AppendOnlyFile::Open(own));
  const auto found = std::find(index.files.begin(), index.files.end(), own);
  if (found != index.files.end()) {
    RETURN_IF_ERROR(log->file_->TruncateTo(index.finished[found - index.files.begin()]));
  }
  return log;
}

std::string SampleLog::OwnFile() const {
  return absl::StrCat(options_.folder, "/samples-", options_.rank, "-of-", options_.ranks,
                      ".jsonl");
}

absl::Status SampleLog::CheckIdentity() const {
  const std::string path = absl::StrCat(options_.folder, "/evaluation.json");
  ASSIGN_OR_RETURN(const std::string text, ReadFileIfThere(path));
  if (text.empty()) return WriteFileAtomically(path, options_.identity.dump(1) + "\n");
  const ordered_json there = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (there == options_.identity) return absl::OkStatus();
  std::string differs = "it is damaged";
  if (there.is_object()) {
    for (const auto& [key, value] : options_.identity.items()) {
      if (there.contains(key) && there[key] == value) continue;
      differs = absl::StrCat("its \"", key, "\" is ",
                             there.contains(key) ? QuoteForMessage(there[key].dump(), 80) : "none",
                             ", this one's is ", QuoteForMessage(value.dump(), 80));
      break;
    }
  }
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": the folder holds another evaluation: ", differs,
                   "; choose another folder, or remove this one"));
}

absl::StatusOr<SampleLog::Index> SampleLog::ReadIndex() const {
  Index index;
  index.places.resize(options_.problems);
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(options_.folder));
  for (const std::string& name : names) {
    if (!absl::StartsWith(name, "samples-") || !absl::EndsWith(name, ".jsonl")) continue;
    index.files.push_back(absl::StrCat(options_.folder, "/", name));
    index.finished.push_back(0);
    RETURN_IF_ERROR(IndexFile(index.files.back(), static_cast<int>(index.files.size()) - 1, index));
  }
  return index;
}

absl::Status SampleLog::IndexFile(const std::string& path, int file, Index& index) const {
  std::ifstream input(path, std::ios::binary);
  if (!input) return absl::UnavailableError(absl::StrCat("cannot read '", path, "'"));
  std::string text;
  int64_t number = 0, end = 0, begin = 0;
  int expected = 0;  // the sample that comes next
  while (std::getline(input, text)) {
    if (input.eof()) break;  // without its line end: cut off by a kill
    ++number;
    const ordered_json record = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
    const bool fits = record.is_object() && record.contains("problem") &&
                      record["problem"].is_number_unsigned() && record.contains("sample") &&
                      record["sample"] == expected &&
                      record["problem"].get<int64_t>() < options_.problems;
    if (!fits) {
      return absl::DataLossError(absl::StrCat(path, ":", number, ": expected sample ", expected,
                                              " of a problem, found ", QuoteForMessage(text, 60),
                                              "; remove the file to sample its problems again"));
    }
    if (expected == 0) begin = end;
    end += text.size() + 1;
    if (++expected < options_.samples) continue;
    expected = 0;
    index.places[record["problem"].get<int64_t>()] = {file, begin, end - begin};
    index.finished[file] = end;
  }
  return absl::OkStatus();
}

absl::Status SampleLog::Add(int64_t problem, const std::vector<ordered_json>& records) {
  std::string lines;
  for (size_t sample = 0; sample < records.size(); ++sample) {
    ordered_json record = {{"problem", problem}, {"sample", sample}};
    record.update(records[sample]);
    lines += Line(record);
  }
  absl::MutexLock lock(&mutex_);
  return file_->Append(lines);
}

absl::StatusOr<bool> SampleLog::Complete() const {
  ASSIGN_OR_RETURN(const Index index, ReadIndex());
  return std::all_of(index.places.begin(), index.places.end(),
                     [](const Place& place) { return place.file >= 0; });
}

absl::Status SampleLog::ForEachProblem(const Use& use) const {
  ASSIGN_OR_RETURN(const Index index, ReadIndex());
  std::vector<std::ifstream> inputs;
  for (const std::string& path : index.files) inputs.emplace_back(path, std::ios::binary);
  for (int64_t problem = 0; problem < options_.problems; ++problem) {
    const Place& place = index.places[problem];
    std::ifstream& input = inputs[place.file];
    std::vector<ordered_json> records;
    std::string text;
    input.seekg(place.begin);
    for (int sample = 0; sample < options_.samples && std::getline(input, text); ++sample) {
      records.push_back(ordered_json::parse(text, nullptr, /*allow_exceptions=*/false));
    }
    if (records.size() != static_cast<size_t>(options_.samples) || records.back().is_discarded()) {
      return absl::DataLossError(
          absl::StrCat(index.files[place.file], ": changed while it was read"));
    }
    RETURN_IF_ERROR(use(problem, records));
  }
  return absl::OkStatus();
}

}  // namespace grpo
