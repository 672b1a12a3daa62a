#include "data/parquet/load_parquet.h"

#include "absl/strings/str_cat.h"
#include <dlfcn.h>

namespace grpo {

absl::StatusOr<std::unique_ptr<RecordFile>> OpenParquet(const std::string& path,
                                                        const std::string& library) {
  // Never closed: its records live on. dlopen gives the same handle every time.
  void* const handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* const open = handle == nullptr ? nullptr : dlsym(handle, kOpenParquetFileName);
  if (open == nullptr) {
    const char* const reason = dlerror();
    return absl::UnimplementedError(absl::StrCat(
        path, ": a Parquet file, and ", library, ", which reads them, cannot be loaded (",
        reason == nullptr ? "unknown reason" : reason,
        "). It is built where Arrow's C++ library is found; or convert the file to JSON lines, "
        "with pandas for instance: pandas.read_parquet(path).to_json(\"data.jsonl\", "
        "orient=\"records\", lines=True)"));
  }
  absl::StatusOr<std::unique_ptr<RecordFile>> file = absl::UnknownError("");
  reinterpret_cast<OpenParquetFile*>(open)(path, &file);
  return file;
}

}  // namespace grpo
