// The library that data/parquet/load_parquet.h loads.
#include <cmath>
#include <exception>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include <arrow/api.h>
#include <arrow/io/file.h>
#include <nlohmann/json.hpp>
#include <parquet/arrow/reader.h>
#include <parquet/properties.h>

#include "data/json.h"
#include "data/parquet/load_parquet.h"
#include "data/record_file.h"
#include "data/status_macros.h"
#include "data/utf8.h"

namespace grpo {
namespace {

using nlohmann::json;

constexpr int64_t kBatchRows = 256;

// An error of the file as a whole: nothing more can be read.
absl::Status Damaged(const std::string& path, const arrow::Status& status) {
  return absl::DataLossError(absl::StrCat(path, ": no sound Parquet file: ", status.ToString()));
}

// Some of what is wrong with a file reaches Arrow's callers as an exception.
template <typename Function>
arrow::Status Try(const Function& function) {
  try {
    return function();
  } catch (const std::exception& error) {
    return arrow::Status::IOError(error.what());
  }
}

absl::StatusOr<json> ValueAt(const arrow::Array& array, int64_t row);

absl::StatusOr<json> ListOf(const arrow::Array& values, int64_t begin, int64_t length) {
  json list = json::array();
  for (int64_t i = begin; i < begin + length; ++i) {
    ASSIGN_OR_RETURN(json value, ValueAt(values, i));
    list.push_back(std::move(value));
  }
  return list;
}

template <typename ListArray>
absl::StatusOr<json> ListAt(const arrow::Array& array, int64_t row) {
  const auto& lists = static_cast<const ListArray&>(array);
  return ListOf(*lists.values(), lists.value_offset(row), lists.value_length(row));
}

absl::StatusOr<json> ObjectAt(const arrow::StructArray& structs, int64_t row) {
  json object = json::object();
  for (int i = 0; i < structs.num_fields(); ++i) {
    ASSIGN_OR_RETURN(object[structs.struct_type()->field(i)->name()],
                     ValueAt(*structs.field(i), row));
  }
  return object;
}

absl::StatusOr<json> MapAt(const arrow::MapArray& maps, int64_t row) {
  json object = json::object();
  const int64_t begin = maps.value_offset(row);
  for (int64_t i = begin; i < begin + maps.value_length(row); ++i) {
    ASSIGN_OR_RETURN(const json key, ValueAt(*maps.keys(), i));
    ASSIGN_OR_RETURN(object[key.is_string() ? key.get<std::string>() : key.dump()],
                     ValueAt(*maps.items(), i));
  }
  return object;
}

absl::StatusOr<json> TextOf(absl::string_view bytes) {
  if (!IsUtf8(bytes)) {
    return absl::InvalidArgumentError(
        absl::StrCat("bytes that are no UTF-8: ", QuoteForMessage(bytes, 40)));
  }
  return json(std::string(bytes));
}

template <typename TextArray>
absl::StatusOr<json> TextAt(const arrow::Array& array, int64_t row) {
  const auto bytes = static_cast<const TextArray&>(array).GetView(row);
  return TextOf(absl::string_view(bytes.data(), bytes.size()));
}

template <typename NumberArray>
json NumberAt(const arrow::Array& array, int64_t row) {
  return static_cast<const NumberArray&>(array).Value(row);
}

json FloatOf(double value) { return std::isfinite(value) ? json(value) : json(); }

absl::StatusOr<json> ValueAt(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return json();
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return NumberAt<arrow::BooleanArray>(array, row);
    case arrow::Type::INT8:
      return NumberAt<arrow::Int8Array>(array, row);
    case arrow::Type::INT16:
      return NumberAt<arrow::Int16Array>(array, row);
    case arrow::Type::INT32:
      return NumberAt<arrow::Int32Array>(array, row);
    case arrow::Type::INT64:
      return NumberAt<arrow::Int64Array>(array, row);
    case arrow::Type::UINT8:
      return NumberAt<arrow::UInt8Array>(array, row);
    case arrow::Type::UINT16:
      return NumberAt<arrow::UInt16Array>(array, row);
    case arrow::Type::UINT32:
      return NumberAt<arrow::UInt32Array>(array, row);
    case arrow::Type::UINT64:
      return NumberAt<arrow::UInt64Array>(array, row);
    case arrow::Type::FLOAT:
      return FloatOf(static_cast<const arrow::FloatArray&>(array).Value(row));
    case arrow::Type::DOUBLE:
      return FloatOf(static_cast<const arrow::DoubleArray&>(array).Value(row));
    case arrow::Type::STRING:
      return TextAt<arrow::StringArray>(array, row);
    case arrow::Type::LARGE_STRING:
      return TextAt<arrow::LargeStringArray>(array, row);
    case arrow::Type::STRING_VIEW:
      return TextAt<arrow::StringViewArray>(array, row);
    case arrow::Type::BINARY:
      return TextAt<arrow::BinaryArray>(array, row);
    case arrow::Type::LARGE_BINARY:
      return TextAt<arrow::LargeBinaryArray>(array, row);
    case arrow::Type::BINARY_VIEW:
      return TextAt<arrow::BinaryViewArray>(array, row);
    case arrow::Type::FIXED_SIZE_BINARY:
      return TextAt<arrow::FixedSizeBinaryArray>(array, row);
    case arrow::Type::LIST:
      return ListAt<arrow::ListArray>(array, row);
    case arrow::Type::LARGE_LIST:
      return ListAt<arrow::LargeListArray>(array, row);
    case arrow::Type::FIXED_SIZE_LIST:
      return ListAt<arrow::FixedSizeListArray>(array, row);
    case arrow::Type::STRUCT:
      return ObjectAt(static_cast<const arrow::StructArray&>(array), row);
    case arrow::Type::MAP:
      return MapAt(static_cast<const arrow::MapArray&>(array), row);
    case arrow::Type::DICTIONARY: {
      const auto& dictionary = static_cast<const arrow::DictionaryArray&>(array);
      return ValueAt(*dictionary.dictionary(), dictionary.GetValueIndex(row));
    }
    case arrow::Type::EXTENSION:
      return ValueAt(*static_cast<const arrow::ExtensionArray&>(array).storage(), row);
    default: {
      const auto scalar = array.GetScalar(row);
      if (!scalar.ok()) return absl::InvalidArgumentError(scalar.status().ToString());
      return TextOf((*scalar)->ToString());
    }
  }
}

class ParquetFile : public RecordFile {
 public:
  static absl::StatusOr<std::unique_ptr<RecordFile>> Open(const std::string& path) {
    std::unique_ptr<ParquetFile> file(new ParquetFile(path));
    RETURN_IF_ERROR(file->OpenBatches());
    return file;
  }

  absl::StatusOr<absl::optional<DataRecord>> Next() override {
    while (batch_ == nullptr || row_ == batch_->num_rows()) {
      const arrow::Status status = Try([&] { return batches_->ReadNext(&batch_); });
      if (!status.ok()) return Damaged(path_, status);
      if (batch_ == nullptr) return absl::optional<DataRecord>();
      row_ = 0;
    }
    DataRecord record;
    record.where = absl::StrCat(path_, ": record ", ++number_);
    record.value = json::object();
    const int64_t row = row_++;
    for (int i = 0; i < batch_->num_columns(); ++i) {
      const std::string& name = batch_->column_name(i);
      absl::StatusOr<json> value = ValueAt(*batch_->column(i), row);
      if (!value.ok()) {
        return absl::InvalidArgumentError(absl::StrCat(record.where, ": column \"",
                                                       QuoteForMessage(name, 40), "\" holds ",
                                                       value.status().message()));
      }
      record.value[name] = *std::move(value);
    }
    return absl::make_optional(std::move(record));
  }

 private:
  explicit ParquetFile(std::string path) : path_(std::move(path)) {}

  absl::Status OpenBatches() {
    const arrow::Status status = Try([&]() -> arrow::Status {
      ARROW_ASSIGN_OR_RAISE(auto input, arrow::io::ReadableFile::Open(path_));
      parquet::ArrowReaderProperties properties(/*use_threads=*/false);
      properties.set_batch_size(kBatchRows);
      parquet::arrow::FileReaderBuilder builder;
      ARROW_RETURN_NOT_OK(builder.Open(input));
      ARROW_ASSIGN_OR_RAISE(reader_, builder.properties(properties)->Build());
      ARROW_ASSIGN_OR_RAISE(batches_, reader_->GetRecordBatchReader());
      return arrow::Status::OK();
    });
    return status.ok() ? CheckColumns() : Damaged(path_, status);
  }

  absl::Status CheckColumns() const {
    std::set<std::string> names;
    for (const std::string& name : batches_->schema()->field_names()) {
      if (IsUtf8(name) && names.insert(name).second) continue;
      return absl::DataLossError(absl::StrCat(path_, ": the column \"", QuoteForMessage(name, 40),
                                              "\" is not UTF-8 or stands twice"));
    }
    return absl::OkStatus();
  }

  const std::string path_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
  std::shared_ptr<arrow::RecordBatch> batch_;
  int64_t row_ = 0;     // of the batch
  int64_t number_ = 0;  // of the last record
};

}  // namespace
}  // namespace grpo

extern "C" __attribute__((visibility("default"))) void GrpoOpenParquetFile(
    const std::string& path, absl::StatusOr<std::unique_ptr<grpo::RecordFile>>* file) {
  *file = grpo::ParquetFile::Open(path);
}
