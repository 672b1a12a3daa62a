// ReadSuiteProblems: a suite's records as problems.
#include <algorithm>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

#include "data/digest.h"
#include "data/file.h"
#include "data/json.h"
#include "data/record_file.h"
#include "data/status_macros.h"
#include "rl/eval/record_template.h"
#include "rl/eval/suite.h"

namespace grpo {
namespace {

using nlohmann::json;

class ProblemReader {
 public:
  ProblemReader(const SuiteConfig& suite, const std::string& folder, bool skip_bad)
      : suite_(suite), folder_(folder), skip_bad_(skip_bad) {}

  absl::StatusOr<SuiteProblems> Read() {
    ASSIGN_OR_RETURN(const RecordTemplates templates, RecordTemplates::Parse(suite_.record));
    RETURN_IF_ERROR(ReadJoined());
    ASSIGN_OR_RETURN(const std::string path, PathOf(suite_.data.file));
    RecordTemplates::Context context;
    ASSIGN_OR_RETURN(context.shots, ReadShots(templates));
    const bool own_shots = suite_.shots.file.empty() || suite_.shots.file == suite_.data.file;
    int64_t left_for_shots = own_shots ? suite_.shots.count : 0;
    RETURN_IF_ERROR(ForEachRecord(path, [&](const DataRecord& record) -> absl::Status {
      ASSIGN_OR_RETURN(context.joined, JoinedOf(record));
      ++context.record_number;
      ASSIGN_OR_RETURN(Prompt problem, templates.ProblemOf(record, context));
      if (left_for_shots-- > 0) return absl::OkStatus();
      const auto [first, is_new] = places_.try_emplace(problem.name, record.where);
      if (!is_new) {
        return absl::InvalidArgumentError(absl::StrCat(record.where, ": the id \"",
                                                       QuoteForMessage(problem.name, 60),
                                                       "\" is that of ", first->second, " too"));
      }
      problem.id = result_.problems.size();
      result_.problems.push_back(std::move(problem));
      return absl::OkStatus();
    }));
    if (result_.problems.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": no usable record; expected those of ",
                                                     suite_.title, ", from ", suite_.data.origin));
    }
    return std::move(result_);
  }

 private:
  absl::StatusOr<std::string> PathOf(const std::string& file) {
    const std::string path = folder_.empty() ? file : absl::StrCat(folder_, "/", file);
    if (!FileExists(path)) {
      return absl::NotFoundError(absl::StrCat(
          path, " is missing; suite \"", suite_.name, "\" (", suite_.title, ") reads it as it is ",
          "published: ", suite_.data.origin, " (licence: ", suite_.data.licence,
          "); put it there, or name the folder that has it with --data"));
    }
    ASSIGN_OR_RETURN(const std::string digest, Sha256OfFile(path));
    result_.digest = result_.digest.empty() ? digest : Sha256Hex(result_.digest + digest);
    return path;
  }

  // Calls `use` for every record; a bad one ends it, or is left out and noted.
  template <typename Use>
  absl::Status ForEachRecord(const std::string& path, const Use& use) {
    ASSIGN_OR_RETURN(const std::unique_ptr<RecordFile> file, RecordFile::Open(path));
    while (true) {
      const absl::StatusOr<absl::optional<DataRecord>> record = file->Next();
      if (record.ok() && !record->has_value()) return absl::OkStatus();
      const absl::Status status = record.ok() ? use(**record) : record.status();
      if (status.ok()) continue;
      if (!skip_bad_ || !absl::IsInvalidArgument(status)) return status;
      result_.skipped.push_back(std::string(status.message()));
    }
  }

  // The first records that would do as problems.
  absl::StatusOr<json> ReadShots(const RecordTemplates& templates) {
    json shots = json::array();
    const size_t count = suite_.shots.count;
    if (count == 0) return shots;
    ASSIGN_OR_RETURN(const std::string path,
                     PathOf(suite_.shots.file.empty() ? suite_.data.file : suite_.shots.file));
    ASSIGN_OR_RETURN(const std::unique_ptr<RecordFile> file, RecordFile::Open(path));
    while (shots.size() < count) {
      ASSIGN_OR_RETURN(const absl::optional<DataRecord> record, file->Next());
      if (!record.has_value()) {
        return absl::InvalidArgumentError(absl::StrCat(
            path, ": expected ", count, " records for shots.count, found ", shots.size()));
      }
      RecordTemplates::Context alone;
      ASSIGN_OR_RETURN(alone.joined, JoinedOf(*record));
      const absl::Status usable = templates.ProblemOf(*record, alone).status();
      if (!usable.ok() && !skip_bad_) return usable;
      if (usable.ok()) shots.push_back(record->value);
    }
    return shots;
  }

  absl::StatusOr<std::string> KeyOf(const DataRecord& record) const {
    const auto key = record.value.find(suite_.data.join_on);
    if (key == record.value.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(record.where, ": the record has no \"", suite_.data.join_on, "\""));
    }
    return key->dump();
  }

  absl::Status ReadJoined() {
    if (suite_.data.join.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::string path, PathOf(suite_.data.join));
    return ForEachRecord(path, [&](const DataRecord& record) -> absl::Status {
      ASSIGN_OR_RETURN(const std::string key, KeyOf(record));
      if (!joined_.try_emplace(key, record.value).second) {
        return absl::InvalidArgumentError(absl::StrCat(
            record.where, ": another record has the same \"", suite_.data.join_on, "\", ", key));
      }
      return absl::OkStatus();
    });
  }

  absl::StatusOr<json> JoinedOf(const DataRecord& record) const {
    if (suite_.data.join.empty()) return json();
    ASSIGN_OR_RETURN(const std::string key, KeyOf(record));
    const auto found = joined_.find(key);
    if (found == joined_.end()) {
      return absl::InvalidArgumentError(absl::StrCat(record.where, ": ", suite_.data.join,
                                                     " has no record with the \"",
                                                     suite_.data.join_on, "\" ", key));
    }
    return found->second;
  }

  const SuiteConfig& suite_;
  const std::string folder_;
  const bool skip_bad_;
  SuiteProblems result_;
  absl::flat_hash_map<std::string, std::string> places_;  // of ids
  absl::flat_hash_map<std::string, json> joined_;
};

}  // namespace

absl::StatusOr<SuiteProblems> ReadSuiteProblems(const SuiteConfig& suite,
                                                const std::string& data_folder, bool skip_bad) {
  return ProblemReader(suite, data_folder, skip_bad).Read();
}

}  // namespace grpo
