// Parquet files, through a library of our own that Arrow's C++ library is linked with. It is loaded
// when a Parquet file is to be read: the program builds and runs without Arrow.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "data/record_file.h"

namespace grpo {

// What the library has under kOpenParquetFileName.
using OpenParquetFile = void(const std::string& path,
                             absl::StatusOr<std::unique_ptr<RecordFile>>* file);
inline constexpr char kOpenParquetFileName[] = "GrpoOpenParquetFile";
inline constexpr char kParquetLibrary[] = "libgrpo_parquet.so";

// As RecordFile::Open. Rows are records and columns their fields: lists, structs and maps become
// lists and objects; dates, times and decimals their texts; bytes texts where they are UTF-8; what
// is null or no finite number null. The error where the library is missing says how else to go on.
absl::StatusOr<std::unique_ptr<RecordFile>> OpenParquet(
    const std::string& path, const std::string& library = kParquetLibrary);

}  // namespace grpo
