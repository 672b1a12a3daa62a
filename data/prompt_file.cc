#include "data/prompt_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include <sys/stat.h>

#include "data/check.h"
#include "data/digest.h"
#include "data/json.h"
#include "data/shuffled_order.h"
#include "data/status_macros.h"

namespace grpo {
namespace {

absl::Status CheckOptions(const PromptFileOptions& options) {
  if (options.world_size < 1 || options.rank < 0 || options.rank >= options.world_size) {
    return absl::InvalidArgumentError(absl::StrCat(options.path, ": expected a rank from 0 to ",
                                                   options.world_size - 1, ", found ",
                                                   options.rank));
  }
  const std::set<std::string> fields = {options.prompt_field, options.answer_field,
                                        options.family_field, options.demonstration_field};
  if (fields.size() != 4 || fields.count("") > 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        options.path, ": expected four different field names for prompt, answer, family and ",
        "demonstration, found \"", options.prompt_field, "\", \"", options.answer_field, "\", \"",
        options.family_field, "\", \"", options.demonstration_field, "\""));
  }
  return absl::OkStatus();
}

absl::Status ReadProblem(const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot read '", path, "'"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<PromptFile>> PromptFile::Open(const PromptFileOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  File file(std::fopen(options.path.c_str(), "rbe"), std::fclose);
  if (file == nullptr) return ReadProblem(options.path);
  std::unique_ptr<PromptFile> made(new PromptFile(options, std::move(file)));
  RETURN_IF_ERROR(made->Index());
  return made;
}

absl::Status PromptFile::Index() {
  ASSIGN_OR_RETURN(version_, Version());
  ASSIGN_OR_RETURN(digest_, Sha256OfFile(options_.path));
  ASSIGN_OR_RETURN(const auto reader, JsonLinesReader::Open(options_.path));
  absl::flat_hash_map<std::string, int64_t> lines_by_id;
  while (true) {
    ASSIGN_OR_RETURN(const absl::optional<JsonRecord> record, reader->Next());
    if (!record.has_value()) break;
    RETURN_IF_ERROR(PromptFromRecord(*record, options_).status());
    const auto id = record->value.find("id");
    if (id != record->value.end() && !id->is_null()) {
      const auto [first, is_new] = lines_by_id.try_emplace(id->dump(), record->line);
      if (!is_new) {
        return absl::InvalidArgumentError(absl::StrCat(
            options_.path, ":", record->line, ": the \"id\" ", QuoteForMessage(first->first),
            " is that of line ", first->second, " too; make ids unique or remove the repetition"));
      }
    }
    const int64_t blank_lines = record->line - 1 - Count();
    if (blank_lines > (gaps_.empty() ? 0 : gaps_.back().lines))
      gaps_.push_back({Count(), blank_lines});
    offsets_.push_back(record->offset);
  }
  if (offsets_.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(options_.path, ": no records; expected one JSON object a line"));
  }
  return absl::OkStatus();
}

absl::StatusOr<PromptFile::FileVersion> PromptFile::Version() const {
  struct stat information;
  if (fstat(fileno(file_.get()), &information) != 0) return ReadProblem(options_.path);
  if (!S_ISREG(information.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", options_.path, "' is not a regular file; prompts are read at random"));
  }
  return FileVersion{information.st_size, information.st_mtim.tv_sec, information.st_mtim.tv_nsec};
}

int64_t PromptFile::LineOf(int64_t record) const {
  const auto after =
      std::upper_bound(gaps_.begin(), gaps_.end(), record,
                       [](int64_t wanted, const Gap& gap) { return wanted < gap.record; });
  return record + 1 + (after == gaps_.begin() ? 0 : std::prev(after)->lines);
}

absl::StatusOr<JsonRecord> PromptFile::ReadRecord(int64_t record) {
  ASSIGN_OR_RETURN(const FileVersion version, Version());
  if (!(version == version_)) {
    return absl::FailedPreconditionError(
        absl::StrCat("'", options_.path, "' was changed while it was in use; start again"));
  }
  // Up to the next record: blank lines between them do no harm, JSON passes over white space.
  const int64_t end = record + 1 < Count() ? offsets_[record + 1] : version.bytes;
  std::string text(end - offsets_[record], '\0');
  if (fseeko(file_.get(), offsets_[record], SEEK_SET) != 0) return ReadProblem(options_.path);
  if (std::fread(&text[0], 1, text.size(), file_.get()) != text.size()) {
    return ReadProblem(options_.path);
  }
  return ParseJsonLine(text, options_.path, LineOf(record));
}

absl::StatusOr<Prompt> PromptFile::PromptOf(int64_t record, uint64_t id) {
  ASSIGN_OR_RETURN(const JsonRecord read, ReadRecord(record));
  ASSIGN_OR_RETURN(Prompt prompt, PromptFromRecord(read, options_));
  prompt.id = id;
  return prompt;
}

absl::StatusOr<std::vector<Prompt>> PromptFile::Next(int count) {
  std::vector<Prompt> prompts;
  uint64_t draw = next_draw_;
  for (int i = 0; i < count; ++i, draw += options_.world_size) {
    const uint64_t size = Count();
    const uint64_t record = ShuffledItem(draw % size, size, options_.seed, draw / size);
    ASSIGN_OR_RETURN(Prompt prompt, PromptOf(record, draw));
    prompts.push_back(std::move(prompt));
  }
  next_draw_ = draw;
  return prompts;
}

absl::StatusOr<std::vector<Prompt>> PromptFile::ReadAll() {
  std::vector<Prompt> prompts;
  for (int64_t record = 0; record < Count(); ++record) {
    ASSIGN_OR_RETURN(Prompt prompt, PromptOf(record, record));
    prompts.push_back(std::move(prompt));
  }
  return prompts;
}

std::string PromptFile::Cursor() const {
  return nlohmann::json{{"draw", next_draw_}, {"digest", digest_}}.dump();
}

absl::Status PromptFile::Restore(const std::string& cursor) {
  const std::string where = absl::StrCat("the cursor of '", options_.path, "'");
  ASSIGN_OR_RETURN(const nlohmann::json value, ParseJson(cursor, {where}));
  const bool usable = value.is_object() && value.contains("draw") && value.contains("digest") &&
                      value["draw"].is_number_unsigned() && value["digest"].is_string();
  if (!usable) {
    return absl::InvalidArgumentError(absl::StrCat(
        where, ": expected {\"digest\": ..., \"draw\": ...}, found ", QuoteForMessage(cursor)));
  }
  const std::string digest = value["digest"].get<std::string>();
  if (digest != digest_) {
    return absl::FailedPreconditionError(absl::StrCat(
        "'", options_.path, "' is not the file that the checkpoint read: its SHA-256 is ", digest_,
        ", the checkpoint's is ", QuoteForMessage(digest),
        "; put the file back as it was, or start a new run"));
  }
  const uint64_t draw = value["draw"].get<uint64_t>();
  if (draw % options_.world_size != static_cast<uint64_t>(options_.rank)) {
    return absl::FailedPreconditionError(
        absl::StrCat(where, ": draw ", draw, " does not belong to rank ", options_.rank, " of ",
                     options_.world_size, "; resume with the number of processes that wrote it"));
  }
  next_draw_ = draw;
  return absl::OkStatus();
}

}  // namespace grpo
