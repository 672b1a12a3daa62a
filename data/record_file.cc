#include "data/record_file.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "data/gzip.h"
#include "data/json.h"
#include "data/json_lines.h"
#include "data/parquet/load_parquet.h"
#include "data/status_macros.h"
#include "data/utf8.h"

namespace grpo {
namespace {

using nlohmann::json;

constexpr size_t kLargestWhole = size_t{2} << 30;  // bytes of a list or CSV file, uncompressed
constexpr size_t kStart = 4096;                    // bytes that tell the format

// At most `limit` bytes of the file, uncompressed.
absl::StatusOr<std::string> ReadUncompressed(const std::string& path, size_t limit) {
  ASSIGN_OR_RETURN(const GzipFile file, OpenGzip(path));
  std::string text;
  while (text.size() < limit) {
    const size_t size = text.size();
    text.resize(std::min(limit, size + (size_t{1} << 20)));
    ASSIGN_OR_RETURN(const size_t count,
                     ReadGzip(file.get(), &text[size], text.size() - size, path));
    text.resize(size + count);
    if (count == 0) break;
  }
  return text;
}

class LinesFile : public RecordFile {
 public:
  LinesFile(std::string path, std::unique_ptr<JsonLinesReader> reader)
      : path_(std::move(path)), reader_(std::move(reader)) {}

  absl::StatusOr<absl::optional<DataRecord>> Next() override {
    ASSIGN_OR_RETURN(absl::optional<JsonRecord> record, reader_->Next());
    if (!record.has_value()) return absl::optional<DataRecord>();
    return absl::make_optional(DataRecord{std::move(record->value),
                                          absl::StrCat(path_, ":", record->line),
                                          std::move(record->numbers)});
  }

 private:
  std::string path_;
  std::unique_ptr<JsonLinesReader> reader_;
};

class ListFile : public RecordFile {
 public:
  ListFile(std::string path, json records) : path_(std::move(path)), records_(std::move(records)) {}

  absl::StatusOr<absl::optional<DataRecord>> Next() override {
    if (next_ == records_.size()) return absl::optional<DataRecord>();
    json record = std::move(records_[next_++]);
    const std::string where = absl::StrCat(path_, ": record ", next_);
    if (!record.is_object()) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": expected a JSON object, found ", JsonKind(record)));
    }
    return absl::make_optional(DataRecord{std::move(record), where, {}});
  }

 private:
  std::string path_;
  json records_;
  size_t next_ = 0;
};

class CsvFile : public RecordFile {
 public:
  CsvFile(std::string path, std::vector<CsvRow> rows)
      : path_(std::move(path)), rows_(std::move(rows)) {}

  absl::StatusOr<absl::optional<DataRecord>> Next() override {
    if (next_ == rows_.size()) return absl::optional<DataRecord>();
    CsvRow row = std::move(rows_[next_++]);
    const std::vector<std::string>& header = rows_[0].cells;
    const std::string where = absl::StrCat(path_, ":", row.line);
    if (row.cells.size() != header.size()) {
      return absl::InvalidArgumentError(absl::StrCat(where, ": expected ", header.size(),
                                                     " columns as in the header, found ",
                                                     row.cells.size()));
    }
    json value = json::object();
    for (size_t i = 0; i < header.size(); ++i) {
      if (!IsUtf8(row.cells[i])) {
        return absl::InvalidArgumentError(
            absl::StrCat(where, ": column \"", QuoteForMessage(header[i], 40),
                         "\" is not UTF-8: ", QuoteForMessage(row.cells[i], 40)));
      }
      value[header[i]] = std::move(row.cells[i]);
    }
    return absl::make_optional(DataRecord{std::move(value), where, {}});
  }

 private:
  std::string path_;
  std::vector<CsvRow> rows_;  // the header first
  size_t next_ = 1;
};

absl::Status CheckHeader(const CsvRow& header, const std::string& path) {
  std::set<std::string> names;
  for (const std::string& name : header.cells) {
    if (!IsUtf8(name) || !names.insert(name).second) {
      return absl::DataLossError(absl::StrCat(path, ":", header.line, ": the header's column \"",
                                              QuoteForMessage(name, 40),
                                              "\" is not UTF-8 or stands twice"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<CsvRow>> ParseCsv(absl::string_view text, const std::string& path) {
  std::vector<CsvRow> rows;
  int64_t line = 1;
  size_t at = 0;
  while (at < text.size()) {
    CsvRow row;
    row.line = line;
    bool more = true;
    while (more) {
      std::string cell;
      if (at < text.size() && text[at] == '"') {
        const int64_t opened = line;
        for (++at;; ++at) {
          if (at == text.size()) {
            return absl::DataLossError(
                absl::StrCat(path, ":", opened, ": a cell's quote is not closed"));
          }
          if (text[at] == '"') {
            if (at + 1 == text.size() || text[at + 1] != '"') break;
            ++at;
          }
          line += text[at] == '\n';
          cell += text[at];
        }
        ++at;
        if (at < text.size() && text[at] == '\r') ++at;
        if (at < text.size() && text[at] != ',' && text[at] != '\n') {
          return absl::DataLossError(absl::StrCat(
              path, ":", line, ": expected a comma or a line end behind a cell's closing quote, ",
              "found ", QuoteForMessage(text.substr(at, 20))));
        }
      } else {
        const size_t end = std::min(text.find_first_of(",\n", at), text.size());
        cell = std::string(text.substr(at, end - at));
        at = end;
        if ((at == text.size() || text[at] == '\n') && absl::EndsWith(cell, "\r")) cell.pop_back();
      }
      row.cells.push_back(std::move(cell));
      more = at < text.size() && text[at] == ',';
      ++at;  // past the comma or the line end
    }
    ++line;
    if (row.cells.size() > 1 || !row.cells[0].empty()) rows.push_back(std::move(row));
  }
  return rows;
}

absl::StatusOr<std::unique_ptr<RecordFile>> RecordFile::Open(const std::string& path) {
  ASSIGN_OR_RETURN(std::string start, ReadUncompressed(path, kStart));
  const size_t mark = absl::StartsWith(start, "\xEF\xBB\xBF") ? 3 : 0;
  const size_t first = start.find_first_not_of(" \t\r\n", mark);
  if (first == std::string::npos) {
    return absl::DataLossError(absl::StrCat(path, ": the file is empty; expected records"));
  }
  if (start.compare(first, 4, "PAR1") == 0) {
    return OpenParquet(path);
  }
  const std::string name = absl::EndsWith(path, ".gz") ? path.substr(0, path.size() - 3) : path;
  const bool csv = absl::EndsWith(name, ".csv");
  // What starts neither an object nor a list is JSON lines as well: its lines say what is wrong.
  if (!csv && start[first] != '[') {
    ASSIGN_OR_RETURN(std::unique_ptr<JsonLinesReader> reader, JsonLinesReader::Open(path));
    return std::make_unique<LinesFile>(path, std::move(reader));
  }
  ASSIGN_OR_RETURN(std::string text, ReadUncompressed(path, kLargestWhole));
  if (text.size() == kLargestWhole) {
    return absl::ResourceExhaustedError(absl::StrCat(
        path, ": larger than 2 GiB; write it as JSON lines, which are read one by one"));
  }
  text.erase(0, mark);
  if (csv) {
    ASSIGN_OR_RETURN(std::vector<CsvRow> rows, ParseCsv(text, path));
    if (rows.empty()) return absl::DataLossError(absl::StrCat(path, ": expected a header"));
    RETURN_IF_ERROR(CheckHeader(rows[0], path));
    return std::make_unique<CsvFile>(path, std::move(rows));
  }
  absl::StatusOr<json> records = ParseJson(text, {path});
  if (!records.ok()) return absl::DataLossError(records.status().message());
  return std::make_unique<ListFile>(path, *std::move(records));
}

}  // namespace grpo
