// Tells a person how a run goes: one line rewritten in place on a terminal, plain lines now and
// then elsewhere.
//
//   grpo  37/200  reward 0.412  pass 38.5 %  5210 tokens/s  4m10s left
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace grpo {

// What there is to say of a step.
struct ProgressLine {
  std::string stage;      // "grpo"
  int64_t step = 0;       // steps done, 1 to num_steps
  int64_t num_steps = 0;  // of the stage
  absl::optional<double> loss;
  absl::optional<double> reward;     // mean of the step
  absl::optional<double> pass_rate;  // 0 to 1
  absl::optional<double> tokens_per_second;
};

// "5s", "4m10s", "2h05m", "3d04h"; rounded to whole seconds.
std::string DurationText(absl::Duration duration);

// The text of a line without a line break; `remaining` is left out where nothing is known.
std::string ProgressText(const ProgressLine& line, const absl::optional<absl::Duration>& remaining);

// Not safe to share among threads.
class Progress {
 public:
  // Writes to `out`, which it does not own. `clock` decides how often a line is due and how long
  // the rest may take.
  Progress(std::FILE* out, bool is_terminal, std::function<absl::Time()> clock = absl::Now);
  // Ends a line that still stands open.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Shows the line when it is due; a stage's first and last step are always shown.
  void Update(const ProgressLine& line);
  // Prints a line that stays.
  void Note(absl::string_view text);

 private:
  absl::optional<absl::Duration> Remaining(const ProgressLine& line, absl::Time now) const;
  void ShowOnTerminal(const std::string& text);
  void EndOpenLine();

  std::FILE* out_;
  bool is_terminal_;
  std::function<absl::Time()> clock_;
  absl::Time last_shown_ = absl::InfinitePast();
  std::string stage_;  // of the last update
  int64_t stage_first_step_ =
      0;                    // the first step seen of this stage: later than 1 in a resumed run
  absl::Time stage_start_;  // when it was seen
  std::string open_line_;   // on a terminal: the text without a line break after it
};

}  // namespace grpo
