// The folders' order, as a test: who may include whom, which library stops where, what stands at
// the top level.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grpo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

namespace fs = std::filesystem;

using Sources = std::map<std::string, std::string>;  // path from the root to text

// The arrows. A folder may include itself besides.
const std::map<std::string, std::set<std::string>>& Arrows() {
  static const auto* const arrows = new std::map<std::string, std::set<std::string>>{
      {"data", {}},
      {"policy", {"data"}},
      {"reward", {"data"}},
      {"rollout", {"data", "policy"}},
      {"rl", {"data", "policy", "reward", "rollout"}},
      {"tests", {"data", "policy", "reward", "rollout", "rl"}},
  };
  return *arrows;
}

// Where a library's headers may be included: path prefixes. A library that is not here may go
// anywhere.
const std::map<std::string, std::vector<std::string>>& Homes() {
  static const auto* const homes = new std::map<std::string, std::vector<std::string>>{
      {"toml++", {"rl/recipe"}},    {"cuda_runtime.h", {"policy/cuda/", "tests/policy/cuda_"}},
      {"nccl.h", {"policy/cuda/"}}, {"gtest", {"tests/"}},
      {"gmock", {"tests/"}},        {"benchmark", {"tests/bench/"}},
      {"arrow", {"data/parquet/"}}, {"parquet", {"data/parquet/"}},
  };
  return *homes;
}

// What must build without LibTorch, and so must all that it includes: path prefixes.
const std::vector<std::string>& WithoutLibTorch() {
  static const auto* const prefixes = new std::vector<std::string>{
      // In folders of their own.
      "data/", "reward/", "policy/cuda/", "tests/data/", "tests/reward/",
      // Single files.
      "policy/checkpoint_conversion", "policy/checkpoint_reader", "policy/checkpoint_tokenizer",
      "policy/folder_checkpoint", "policy/fp8_blocks", "policy/gguf", "policy/policy_config",
      "policy/pre_tokenizer_names", "policy/quantized_blocks", "policy/safetensors",
      "rl/command_line", "rl/convert_command", "rl/event_file", "rl/progress", "rl/recipe",
      "rl/recorder", "rl/score_", "rollout/logit_order", "rollout/sampling", "rollout/stop_strings",
      "rollout/thinking_budget"};
  return *prefixes;
}

// Whatever stands at the top level besides the folders and dotfiles.
const std::set<std::string>& TopLevel() {
  static const auto* const names = new std::set<std::string>{
      "data",    "policy", "reward",         "rollout",           "rl",
      "recipes", "tests",  "CMakeLists.txt", "CMakePresets.json", "README.md",
      "LICENSE", "grpo"};
  return *names;
}

struct Include {
  std::string path;
  bool quoted;
};

std::vector<Include> IncludesOf(const std::string& text) {
  static const std::regex line(R"(^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"])",
                               std::regex::multiline);
  std::vector<Include> includes;
  for (std::sregex_iterator match(text.begin(), text.end(), line), end; match != end; ++match) {
    includes.push_back({(*match)[2], (*match)[1] == "\""});
  }
  return includes;
}

std::string FirstPart(const std::string& path) { return path.substr(0, path.find('/')); }

bool StartsWithAny(const std::string& path, const std::vector<std::string>& prefixes) {
  for (const std::string& prefix : prefixes) {
    if (absl::StartsWith(path, prefix)) return true;
  }
  return false;
}

bool IsLibTorch(const std::string& path) {
  static const auto* const parts = new std::set<std::string>{"ATen", "c10", "caffe2", "torch"};
  return path.find('/') != std::string::npos && parts->count(FirstPart(path)) > 0;
}

// The problem with one line of `path`, or nothing.
std::string ProblemWith(const std::string& path, const Include& include, const Sources& sources) {
  const std::string from = FirstPart(path), to = FirstPart(include.path);
  if (Arrows().count(to) > 0 && include.path != to) {
    if (from != to && Arrows().at(from).count(to) == 0)
      return absl::StrCat(from, "/ may not include ", to, "/");
    if (!include.quoted) return "our own headers go in quotes";
    if (sources.count(include.path) == 0) return "there is no such file";
    return "";
  }
  if (include.quoted && include.path.find('/') == std::string::npos)
    return "not written from the root";
  if (include.quoted && absl::StartsWith(include.path, ".")) return "not written from the root";
  const auto home = Homes().find(to);
  if (home != Homes().end() && !StartsWithAny(path, home->second)) {
    return absl::StrCat("'", to, "' may be included below ", home->second[0], " only");
  }
  return "";
}

// Follows a file's includes to the first LibTorch header; the chain to it, or nothing.
std::string ChainToLibTorch(const std::string& path, const Sources& sources,
                            std::set<std::string>& seen) {
  if (!seen.insert(path).second || sources.count(path) == 0) return "";
  for (const Include& include : IncludesOf(sources.at(path))) {
    if (IsLibTorch(include.path)) return absl::StrCat(path, " -> ", include.path);
    const std::string rest = ChainToLibTorch(include.path, sources, seen);
    if (!rest.empty()) return absl::StrCat(path, " -> ", rest);
  }
  return "";
}

// Everything that is wrong with the includes of these files.
std::vector<std::string> LayeringErrors(const Sources& sources) {
  std::vector<std::string> errors;
  for (const auto& [path, text] : sources) {
    for (const Include& include : IncludesOf(text)) {
      const std::string problem = ProblemWith(path, include, sources);
      if (!problem.empty())
        errors.push_back(absl::StrCat(path, ": #include of ", include.path, ": ", problem));
    }
    if (!StartsWithAny(path, WithoutLibTorch())) continue;
    std::set<std::string> seen;
    const std::string chain = ChainToLibTorch(path, sources, seen);
    if (!chain.empty()) errors.push_back(absl::StrCat("must build without LibTorch: ", chain));
  }
  return errors;
}

std::string ReadText(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Sources SourcesOfTheTree() {
  static const auto* const extensions = new std::set<std::string>{".h", ".cc", ".cu"};
  const fs::path root = GRPO_SOURCE_DIR;
  Sources sources;
  for (const auto& arrow : Arrows()) {
    for (const auto& entry : fs::recursive_directory_iterator(root / arrow.first)) {
      // Programs that a checker is to judge are data.
      if (entry.path().parent_path().filename() == "attacks") continue;
      if (entry.is_regular_file() && extensions->count(entry.path().extension()) > 0) {
        sources[fs::relative(entry.path(), root)] = ReadText(entry.path());
      }
    }
  }
  return sources;
}

TEST(LayeringTest, EveryIncludeFollowsTheFoldersOrder) {
  const Sources sources = SourcesOfTheTree();
  ASSERT_GT(sources.size(), 20u);
  EXPECT_THAT(LayeringErrors(sources), IsEmpty());
}

TEST(LayeringTest, AnArrowAgainstTheOrderIsFound) {
  for (const auto& [from, allowed] : Arrows()) {
    for (const auto& arrow : Arrows()) {
      const std::string& to = arrow.first;
      if (from == to) continue;
      const Sources sources = {
          {from + "/a.cc", absl::StrCat("// A file.\n#include \"", to, "/b.h\"\n")},
          {to + "/b.h", ""}};
      EXPECT_EQ(LayeringErrors(sources).size(), 1 - allowed.count(to)) << from << " -> " << to;
    }
  }
  EXPECT_THAT(LayeringErrors({{"data/a.h", "#include \"rl/b.h\""}, {"rl/b.h", ""}}),
              ElementsAre("data/a.h: #include of rl/b.h: data/ may not include rl/"));
}

TEST(LayeringTest, IncludesAreWrittenFromTheRoot) {
  for (const char* line : {"#include \"b.h\"", "#include \"../data/b.h\"",
                           "  #  include <data/b.h>", "#include \"data/missing.h\""}) {
    EXPECT_EQ(LayeringErrors({{"data/a.cc", line}, {"data/b.h", ""}}).size(), 1u) << line;
  }
  EXPECT_THAT(LayeringErrors(
                  {{"data/a.cc", "#include \"data/b.h\"\n#include <map>\n#include \"absl/x.h\"\n"},
                   {"data/b.h", ""}}),
              IsEmpty());
}

TEST(LayeringTest, ALibraryStaysWhereItBelongs) {
  EXPECT_THAT(LayeringErrors({{"rl/recipe.cc", "#include <toml++/toml.h>"}}), IsEmpty());
  EXPECT_THAT(LayeringErrors({{"rl/trainer.cc", "#include <toml++/toml.h>"}}),
              ElementsAre(HasSubstr("'toml++' may be included below rl/recipe only")));
  EXPECT_EQ(LayeringErrors({{"rollout/a.cc", "#include <cuda_runtime.h>"}}).size(), 1u);
  EXPECT_EQ(LayeringErrors({{"data/a.cc", "#include \"gtest/gtest.h\""}}).size(), 1u);
}

TEST(LayeringTest, LibTorchIsKeptOutOfWhatMustBuildWithoutIt) {
  EXPECT_EQ(LayeringErrors({{"data/a.cc", "#include <ATen/ATen.h>"}}).size(), 1u);
  EXPECT_EQ(LayeringErrors({{"reward/a.h", "#include \"torch/torch.h\""}}).size(), 1u);
  EXPECT_THAT(
      LayeringErrors({{"rl/recipe.cc", "#include \"policy/b.h\""},
                      {"policy/b.h", "#include \"policy/c.h\""},
                      {"policy/c.h", "#include <c10/util/Exception.h>"}}),
      ElementsAre("must build without LibTorch: rl/recipe.cc -> policy/b.h -> policy/c.h -> "
                  "c10/util/Exception.h"));
  EXPECT_THAT(LayeringErrors({{"policy/a.cc", "#include <ATen/ATen.h>"}}), IsEmpty());
}

// Paths that git keeps, or nothing outside a checkout.
std::vector<std::string> FilesInGit() {
  FILE* const pipe = popen("git -C '" GRPO_SOURCE_DIR "' ls-files -z 2>/dev/null", "r");
  if (pipe == nullptr) return {};
  std::string text;
  char buffer[4096];
  while (const size_t count = fread(buffer, 1, sizeof(buffer), pipe)) text.append(buffer, count);
  pclose(pipe);
  return absl::StrSplit(text, '\0', absl::SkipEmpty());
}

TEST(LayeringTest, NothingElseStandsAtTheTopLevel) {
  const std::vector<std::string> files = FilesInGit();
  if (files.empty()) GTEST_SKIP() << "no git checkout, or no git";
  for (const std::string& path : files) {
    const std::string name = FirstPart(path);
    EXPECT_TRUE(name[0] == '.' || TopLevel().count(name) > 0) << path;
  }
}

// The folders that the README's map names: its table rows that begin with a folder in backquotes.
TEST(LayeringTest, TheReadmesFolderMapIsTrue) {
  const fs::path root = GRPO_SOURCE_DIR;
  if (!fs::exists(root / "README.md")) GTEST_SKIP() << "there is no README.md";
  static const std::regex row(R"(^\| *`([a-z_]+)/` *\|)", std::regex::multiline);
  const std::string text = ReadText(root / "README.md");
  std::vector<std::string> named;
  for (std::sregex_iterator match(text.begin(), text.end(), row), end; match != end; ++match) {
    named.push_back((*match)[1]);
  }
  std::vector<std::string> folders = {"recipes"};
  for (const auto& arrow : Arrows()) folders.push_back(arrow.first);
  EXPECT_THAT(named, UnorderedElementsAreArray(folders));
  for (const std::string& folder : folders) EXPECT_TRUE(fs::is_directory(root / folder)) << folder;
}

}  // namespace
}  // namespace grpo
