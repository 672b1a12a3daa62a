// A folder of a test's own, removed with all in it at the end.
#pragma once

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "data/check.h"
#include "data/file.h"

namespace grpo {

class ScratchFolder {
 public:
  ScratchFolder() : path_(testing::TempDir() + "grpo_test_XXXXXX") {
    GRPO_CHECK(mkdtemp(&path_[0]) != nullptr);
  }
  ~ScratchFolder() { GRPO_CHECK(RemoveTree(path_).ok()); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string Path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace grpo
