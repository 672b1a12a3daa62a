#include "data/json_lines.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "data/gzip.h"
#include "data/json.h"
#include "data/status_macros.h"

namespace grpo {
namespace {

constexpr size_t kChunkBytes = size_t{1} << 18;

bool IsBlank(absl::string_view text) {
  return text.find_first_not_of(" \t\r") == absl::string_view::npos;
}

}  // namespace

absl::StatusOr<JsonRecord> ParseJsonLine(absl::string_view text, const std::string& path,
                                         int64_t line) {
  JsonRecord record;
  record.line = line;
  ASSIGN_OR_RETURN(record.value, ParseJson(text, {path, line}, &record.numbers));
  if (!record.value.is_object()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ":", line, ": expected one JSON object a line, found ",
                     JsonKind(record.value), ": ", QuoteForMessage(text, 40)));
  }
  return record;
}

absl::StatusOr<std::unique_ptr<JsonLinesReader>> JsonLinesReader::Open(const std::string& path,
                                                                       size_t max_line_bytes) {
  ASSIGN_OR_RETURN(File file, OpenGzip(path));
  return std::unique_ptr<JsonLinesReader>(
      new JsonLinesReader(path, max_line_bytes, std::move(file)));
}

absl::StatusOr<absl::optional<JsonRecord>> JsonLinesReader::Next() {
  while (true) {
    ASSIGN_OR_RETURN(const bool found, ReadLine());
    if (!found) return absl::optional<JsonRecord>();
    if (IsBlank(line_text_)) continue;
    ASSIGN_OR_RETURN(JsonRecord record, ParseJsonLine(line_text_, path_, line_));
    record.offset = offset_;
    return absl::make_optional(std::move(record));
  }
}

absl::StatusOr<bool> JsonLinesReader::ReadMore() {
  const size_t size = buffer_.size();
  buffer_.resize(size + kChunkBytes);
  const absl::StatusOr<size_t> count = ReadGzip(file_.get(), &buffer_[size], kChunkBytes,
                                                absl::StrCat(path_, ": after line ", line_));
  buffer_.resize(size + count.value_or(0));
  RETURN_IF_ERROR(count.status());
  return *count > 0;
}

absl::StatusOr<bool> JsonLinesReader::ReadLine() {
  size_t searched = buffer_position_;
  size_t end;
  while ((end = buffer_.find('\n', searched)) == std::string::npos) {
    if (rest_of_line_) {
      next_offset_ += buffer_.size() - buffer_position_;
      buffer_position_ = buffer_.size();
    } else if (buffer_.size() - buffer_position_ > max_line_bytes_) {
      break;
    }
    buffer_.erase(0, std::exchange(buffer_position_, 0));
    searched = buffer_.size();
    ASSIGN_OR_RETURN(const bool more, ReadMore());
    if (more) continue;
    if (buffer_.empty()) return false;
    end = buffer_.size();  // a last line without a line end
    break;
  }
  if (std::exchange(rest_of_line_, false)) {
    next_offset_ += end - buffer_position_ + 1;
    buffer_position_ = std::min(end + 1, buffer_.size());
    return ReadLine();
  }
  ++line_;
  if (end == std::string::npos || end - buffer_position_ > max_line_bytes_) {
    rest_of_line_ = true;
    return absl::InvalidArgumentError(absl::StrCat(path_, ":", line_, ": the line is longer than ",
                                                   max_line_bytes_,
                                                   " bytes; expected one JSON object a line"));
  }
  offset_ = next_offset_;
  next_offset_ += end - buffer_position_ + 1;
  line_text_.assign(buffer_, buffer_position_, end - buffer_position_);
  buffer_position_ = std::min(end + 1, buffer_.size());
  if (line_ == 1) RETURN_IF_ERROR(StripByteOrderMark());
  if (absl::EndsWith(line_text_, "\r")) line_text_.pop_back();
  return true;
}

absl::Status JsonLinesReader::StripByteOrderMark() {
  if (absl::StartsWith(line_text_, "\xEF\xBB\xBF")) {
    line_text_.erase(0, 3);
    offset_ += 3;
  }
  if (absl::StartsWith(line_text_, "\xFF\xFE") || absl::StartsWith(line_text_, "\xFE\xFF")) {
    return absl::DataLossError(
        absl::StrCat(path_, ":1: the file is UTF-16; expected UTF-8; save it as UTF-8"));
  }
  return absl::OkStatus();
}

}  // namespace grpo
