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

// A folder of the running test's own, empty, gone with the program.
inline std::string TestFolder() {
  static const auto* const all = new ScratchFolder;
  static const int at_exit = std::atexit([] { delete all; });
  GRPO_CHECK(at_exit == 0);
  const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
  std::string name = std::string(test->test_suite_name()) + "." + test->name();
  for (char& c : name) c = c == '/' ? '.' : c;
  const std::string folder = all->Path(name);
  GRPO_CHECK(RemoveTree(folder).ok() && MakeDirectories(folder).ok());
  return folder;
}

}  // namespace grpo
