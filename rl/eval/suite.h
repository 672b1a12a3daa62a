// Suites: published sets of problems, each described by a small TOML file (recipes/suites/): which
// file, how a record becomes a problem, how completions are drawn and judged.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "data/config_fields.h"
#include "data/prompt.h"
#include "reward/registry.h"
#include "reward/scorer.h"
#include "rollout/sampling.h"

namespace grpo {

// Where the records are.
struct SuiteData {
  std::string file;
  std::string join;
  std::string join_on = "id";
  std::string origin;
  std::string licence;
  int records = 0;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("file", file, NotEmpty(),
          "in the folder of data: JSON lines, a JSON list or CSV, also compressed by gzip, or "
          "Parquet");
    visit("join", join, NoConstraint(),
          "another file, whose record of the same id templates see as `joined`");
    visit("join_on", join_on, NotEmpty(), "the field that says which record belongs to which");
    visit("origin", origin, NotEmpty(), "where the file is to be had");
    visit("licence", licence, NotEmpty(), "of the data");
    visit("records", records, AtLeast(0), "that the published file has; 0: not known");
  }
};

// How a record becomes a problem: Jinja templates over its fields (the language of chat templates,
// data/chat_template.h).
struct SuiteRecord {
  std::vector<std::string> fields;
  std::string id = "{{ record_number }}";
  std::string prompt;
  std::string answer;
  std::string family;
  std::string level;
  std::string metadata;
  std::string solution;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("fields", fields, NotEmpty(),
          "that a record must have, with their kinds: \"question: text\", \"answer: text or "
          "number\"; kinds are text, number, list, object and any");
    visit("id", id, NotEmpty(), "names the problem; `record_number` counts from 1");
    visit("prompt", prompt, NotEmpty(), "what the policy is asked");
    visit("answer", answer, NoConstraint(), "the ground truth");
    visit("family", family, NoConstraint(), "its subject, for results by subject");
    visit("level", level, NoConstraint(), "its difficulty, for results by level");
    visit("metadata", metadata, NoConstraint(),
          "JSON, an object: what checkers read besides; the whole record when empty");
    visit("solution", solution, NoConstraint(),
          "a completion that is right, to try the suite itself with");
  }
};

// Worked examples that a prompt may begin with.
struct SuiteShots {
  int count = 0;
  std::string file;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("count", count, Range(0, 1000),
          "records that the prompt's template sees as the list `shots`");
    visit("file", file, NoConstraint(),
          "that the examples are the first records of; where it is the suite's own, or empty, "
          "those are no problems");
  }
};

struct SuiteConfig {
  std::string name;
  std::string title;
  SuiteData data;
  SuiteRecord record;
  SuiteShots shots;
  std::string chat_template;
  std::vector<RewardSpec> reward;
  ScorerConfig scorer;
  int samples = 1;
  std::vector<double> pass_at;
  SamplingConfig sampling = {.temperature = 0, .max_new_tokens = 1024};

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("name", name, NotEmpty(), "of the suite");
    visit("title", title, NotEmpty(), "what it is, in a line");
    visit("data", data, NoConstraint(), "where the records are");
    visit("record", record, NoConstraint(), "how a record becomes a problem");
    visit("chat_template", chat_template, NoConstraint(),
          "in the place of the policy's: \"{{ bos_token }}{{ messages[0].content }}\" has it go on "
          "with the prompt as it is");
    visit("shots", shots, NoConstraint(), "worked examples before the question");
    visit("reward", reward, NoConstraint(), "the checkers; the first one says what is right");
    visit("scorer", scorer, NoConstraint(), "how checkers run");
    visit("samples", samples, Range(1, 65536), "completions of each problem");
    visit("pass_at", pass_at, Range(1, 65536), "each k of pass@k, besides 1");
    visit("sampling", sampling, NoConstraint(), "how completions are drawn");
  }
};

// The suite in a file (where the name ends in ".toml"), or the one of that name that the program
// brings, with overrides as in a recipe. The error for a name that is not known lists those that
// are.
absl::StatusOr<SuiteConfig> LoadSuite(const std::string& name_or_file,
                                      const std::vector<std::string>& overrides);
absl::StatusOr<SuiteConfig> ParseSuite(const std::string& toml, const std::string& origin,
                                       const std::vector<std::string>& overrides);

struct SuiteProblems {
  // Prompt::id is the place among them, from 0; ::name the problem's id, ::family its subject,
  // ::pool its level, ::demonstration the solution.
  std::vector<Prompt> problems;
  std::string digest;                // SHA-256 of the file, of the joined one and of the examples'
  std::vector<std::string> skipped;  // why, for each record left out
};

// The problems in the file's order. The error for too few examples says how many there are. A
// record without a declared field or with one of another kind, with an empty prompt, or with an id
// that another one has is an error that names file and record, or where `skip_bad` is left out and
// listed. The error for a missing file says where it is to be had and under which licence.
absl::StatusOr<SuiteProblems> ReadSuiteProblems(const SuiteConfig& suite,
                                                const std::string& data_folder, bool skip_bad);

}  // namespace grpo
