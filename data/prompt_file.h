// Prompts from a file of JSON lines:
//   {"prompt": "Compute 47+85.", "answer": "132", "family": "addition", "source": "mine"}
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "data/json_lines.h"
#include "data/prompt.h"
#include "data/prompt_source.h"

namespace grpo {

struct PromptFileOptions {
  std::string path;
  std::string prompt_field = "prompt";  // a string, or a chat list with one message, the user's
  std::string answer_field = "answer";  // a string, or a number, which is kept as it is written
  std::string family_field = "family";  // optional in a record
  std::string demonstration_field = "demonstration";
  bool require_demonstration = false;  // an error where a record has none, for the cold start
  uint64_t seed = 0;                   // of the order
  int rank = 0;                        // this process takes the draws rank, rank + world_size, ...
  int world_size = 1;
};

// The records of the file in a seeded order, another one in every epoch. Keeps 8 bytes a record in
// memory. Not safe to share among threads.
class PromptFile : public PromptSource {
 public:
  // Reads the whole file once and checks every record; the file must not change from then on.
  static absl::StatusOr<std::unique_ptr<PromptFile>> Open(const PromptFileOptions& options);

  // Prompt.id is the number of the draw over all ranks, Prompt.name is "<file>:<line>",
  // Prompt.metadata_json holds the fields that have no other place.
  absl::StatusOr<std::vector<Prompt>> Next(int count) override;
  // {"digest": SHA-256 of the file, "draw": number of this rank's next draw}
  std::string Cursor() const override;
  // Refuses the cursor of another file, of a changed one, or of another rank's draws.
  absl::Status Restore(const std::string& cursor) override;

  int64_t Count() const { return static_cast<int64_t>(offsets_.size()); }  // records
  const std::string& digest() const { return digest_; }                    // SHA-256 of the file
  // All records in the order of the file, with ids from 0; for evaluation.
  absl::StatusOr<std::vector<Prompt>> ReadAll();

 private:
  // Blank lines before a record: they move the lines of this and all later records.
  struct Gap {
    int64_t record;
    int64_t lines;  // blank lines before it, from the start of the file
  };
  struct FileVersion {
    int64_t bytes = -1, seconds = 0, nanoseconds = 0;
    bool operator==(const FileVersion& other) const {
      return bytes == other.bytes && seconds == other.seconds && nanoseconds == other.nanoseconds;
    }
  };
  using File = std::unique_ptr<FILE, int (*)(FILE*)>;

  PromptFile(PromptFileOptions options, File file)
      : options_(std::move(options)), file_(std::move(file)), next_draw_(options_.rank) {}

  absl::Status Index();
  absl::StatusOr<FileVersion> Version() const;
  int64_t LineOf(int64_t record) const;
  absl::StatusOr<JsonRecord> ReadRecord(int64_t record);
  absl::StatusOr<Prompt> PromptOf(int64_t record, uint64_t id);

  PromptFileOptions options_;
  File file_;
  FileVersion version_;  // at Open
  std::string digest_;
  std::vector<int64_t> offsets_;  // bytes at which the records start
  std::vector<Gap> gaps_;
  uint64_t next_draw_;
};

// The prompt of one record; `where` ("file:line") stands in messages, `name` in the prompt.
absl::StatusOr<Prompt> PromptFromRecord(const JsonRecord& record, const PromptFileOptions& options);

}  // namespace grpo
