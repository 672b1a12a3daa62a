// The records of a data file as others publish it: JSON lines, a list of JSON objects, or CSV with
// a header, each as it is or compressed by gzip, or Parquet. The content tells which.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "nlohmann/json.hpp"

namespace grpo {

struct DataRecord {
  nlohmann::json value;  // an object; of a CSV file with texts alone
  std::string where;     // for messages: "test.jsonl:12", or "test.json: record 12"
  std::map<std::string, std::string> numbers;  // of JSON lines: fields as written, see ParseJson
};

// Not safe to share among threads.
class RecordFile {
 public:
  // An error where the file cannot be read, or starts like none of the formats. A list and a CSV
  // file are read whole here.
  static absl::StatusOr<std::unique_ptr<RecordFile>> Open(const std::string& path);
  virtual ~RecordFile() = default;

  // The next record; nullopt at the end. kInvalidArgument is about one record alone (no JSON, no
  // object, too few columns, a line of more than 64 MiB), which it names with file and number; the
  // next call goes on behind it. After any other error nothing more can be read.
  virtual absl::StatusOr<absl::optional<DataRecord>> Next() = 0;
};

// The rows of a CSV text (RFC 4180: cells in double quotes may hold commas, line ends and doubled
// quotes), each with the line at which it starts. Blank lines are skipped. An error where a quote
// is not closed, or something stands behind a closing one; `path` stands in it.
struct CsvRow {
  std::vector<std::string> cells;
  int64_t line = 0;
};
absl::StatusOr<std::vector<CsvRow>> ParseCsv(absl::string_view text, const std::string& path);

}  // namespace grpo
