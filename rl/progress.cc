#include "rl/progress.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include <sys/ioctl.h>
#include <unistd.h>

namespace grpo {
namespace {

constexpr absl::Duration kTerminalInterval = absl::Milliseconds(100);
constexpr absl::Duration kPlainInterval = absl::Seconds(5);
constexpr absl::string_view kClearLine = "\r\x1b[K";
constexpr int kUsualWidth = 80;

// Columns of the terminal; a longer line would wrap and could not be rewritten in place.
int TerminalWidth(std::FILE* out) {
  winsize size = {};
  if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kUsualWidth;
}

}  // namespace

std::string DurationText(absl::Duration duration) {
  const int64_t seconds =
      std::max<int64_t>(0, static_cast<int64_t>(std::llround(absl::ToDoubleSeconds(std::clamp(
                               duration, absl::ZeroDuration(), absl::Hours(24 * 36500))))));
  const int64_t minutes = seconds / 60;
  const int64_t hours = minutes / 60;
  if (minutes == 0) return absl::StrFormat("%ds", seconds);
  if (hours == 0) return absl::StrFormat("%dm%02ds", minutes, seconds % 60);
  if (hours < 24) return absl::StrFormat("%dh%02dm", hours, minutes % 60);
  return absl::StrFormat("%dd%02dh", hours / 24, hours % 24);
}

std::string ProgressText(const ProgressLine& line,
                         const absl::optional<absl::Duration>& remaining) {
  std::string text = absl::StrCat(line.stage, "  ", line.step, "/", line.num_steps);
  if (line.loss) absl::StrAppendFormat(&text, "  loss %.4f", *line.loss);
  if (line.reward) absl::StrAppendFormat(&text, "  reward %.3f", *line.reward);
  if (line.pass_rate) absl::StrAppendFormat(&text, "  pass %.1f %%", 100 * *line.pass_rate);
  if (line.tokens_per_second) {
    absl::StrAppendFormat(&text, "  %.0f tokens/s", *line.tokens_per_second);
  }
  if (remaining) absl::StrAppend(&text, "  ", DurationText(*remaining), " left");
  return text;
}

Progress::Progress(std::FILE* out, bool is_terminal, std::function<absl::Time()> clock)
    : out_(out), is_terminal_(is_terminal), clock_(std::move(clock)) {}

Progress::~Progress() { EndOpenLine(); }

void Progress::Update(const ProgressLine& line) {
  const absl::Time now = clock_();
  const bool is_first = line.stage != stage_;
  if (is_first) {
    EndOpenLine();
    stage_ = line.stage;
    stage_first_step_ = line.step;
    stage_start_ = now;
  }
  const absl::Duration interval = is_terminal_ ? kTerminalInterval : kPlainInterval;
  const bool is_last = line.step >= line.num_steps;
  if (!is_first && !is_last && now - last_shown_ < interval) return;
  last_shown_ = now;
  const std::string text = ProgressText(line, Remaining(line, now));
  if (is_terminal_) {
    ShowOnTerminal(text);
  } else {
    absl::FPrintF(out_, "%s\n", text);
  }
  std::fflush(out_);
}

void Progress::Note(absl::string_view text) {
  if (!open_line_.empty()) absl::FPrintF(out_, "%s", kClearLine);
  absl::FPrintF(out_, "%s\n", text);
  if (!open_line_.empty()) absl::FPrintF(out_, "%s", open_line_);
  std::fflush(out_);
}

absl::optional<absl::Duration> Progress::Remaining(const ProgressLine& line, absl::Time now) const {
  const int64_t steps_seen = line.step - stage_first_step_;
  const int64_t steps_left = line.num_steps - line.step;
  if (steps_seen <= 0 || steps_left < 0) return absl::nullopt;
  return (now - stage_start_) * (static_cast<double>(steps_left) / steps_seen);
}

void Progress::ShowOnTerminal(const std::string& text) {
  // One column stays free: a full line moves the cursor to the next one on some terminals.
  open_line_ = text.substr(0, std::max(1, TerminalWidth(out_) - 1));
  absl::FPrintF(out_, "%s%s", kClearLine, open_line_);
}

void Progress::EndOpenLine() {
  if (open_line_.empty()) return;
  absl::FPrintF(out_, "\n");
  std::fflush(out_);
  open_line_.clear();
}

}  // namespace grpo
