#include "rl/score_stream.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <iterator>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include <poll.h>
#include <unistd.h>

#include "data/json_lines.h"
#include "data/status_macros.h"
#include "rl/score_record.h"

namespace grpo {
namespace {

constexpr size_t kMostLines = 64;  // of a chunk, but for what belongs to its last group
constexpr size_t kMostLinesOfGroup = 65536;
constexpr size_t kReadBytes = size_t{1} << 16;
constexpr int kChunksPerThread = 4;

struct Line {
  int64_t number = 0;  // from 1
  std::string text;
};
using Chunk = std::vector<Line>;

// What became of a chunk: verdicts on the lines before `status`, which is about the next one.
struct ScoredChunk {
  std::string text;
  ScoreAudit audit;
  absl::Status status;
};

bool IsBlank(const std::string& text) {
  return text.find_first_not_of(" \t\r") == std::string::npos;
}

// Records whose completions are scored together: one, or a group.
struct RecordGroup {
  ScoreRecord first;  // its group has all the completions
  struct Verdict {
    nlohmann::json id;
    absl::optional<bool> passes;
  };
  std::vector<Verdict> verdicts;  // in the order of the completions

  explicit RecordGroup(ScoreRecord record) : first(std::move(record)) {
    verdicts.push_back({first.id, first.passes});
  }
  bool HoldsGroupOf(const ScoreRecord& record) const {
    return !record.group_key.empty() && record.group_key == first.group_key;
  }
  void Add(ScoreRecord record) {
    first.group.rollouts.push_back(std::move(record.group.rollouts[0]));
    verdicts.push_back({std::move(record.id), record.passes});
  }
};

// Scores groups that were sampled under the same budget together.
void ScoreGroups(Scorer& scorer, std::vector<RecordGroup> groups, ScoredChunk& out) {
  for (size_t begin = 0, end = 0; begin < groups.size(); begin = end) {
    const int max_tokens = groups[begin].first.max_tokens;
    std::vector<RolloutGroup> rollouts;
    for (; end < groups.size() && groups[end].first.max_tokens == max_tokens; ++end) {
      rollouts.push_back(std::move(groups[end].first.group));
    }
    const std::vector<ScoredGroup> scored = scorer.Score(std::move(rollouts), max_tokens);
    for (size_t g = 0; g < scored.size(); ++g) {
      for (size_t i = 0; i < scored[g].scores.size(); ++i) {
        const Score& score = scored[g].scores[i];
        const RecordGroup::Verdict& verdict = groups[begin + g].verdicts[i];
        absl::StrAppend(&out.text, ScoreRecordJson(verdict.id, score, scorer.reward_names()), "\n");
        out.audit.Add(score, verdict.passes);
      }
    }
  }
}

// Reads a line into `groups`.
absl::Status AddLine(const Line& line, bool audit, bool whole_groups,
                     std::vector<RecordGroup>& groups) {
  ASSIGN_OR_RETURN(ScoreRecord record, ReadScoreRecord(line.text, line.number, audit));
  if (whole_groups && !groups.empty() && groups.back().HoldsGroupOf(record)) {
    RETURN_IF_ERROR(CheckSamePrompt(groups.back().first, record, line.number));
    groups.back().Add(std::move(record));
  } else {
    groups.emplace_back(std::move(record));
  }
  return absl::OkStatus();
}

ScoredChunk ScoreChunk(Scorer& scorer, const Chunk& chunk, bool audit) {
  ScoredChunk scored;
  const bool whole_groups = scorer.needs_whole_groups();
  std::vector<RecordGroup> groups;
  for (const Line& line : chunk) {
    scored.status = AddLine(line, audit, whole_groups, groups);
    if (!scored.status.ok()) {
      // The line may have been one of the last group.
      if (whole_groups && !groups.empty()) groups.pop_back();
      break;
    }
  }
  ScoreGroups(scorer, std::move(groups), scored);
  return scored;
}

// The chunks under way.
class Window {
 public:
  Window(size_t most_chunks, FILE* output, int failure_pipe)
      : most_chunks_(most_chunks), output_(output), failure_pipe_(failure_pipe) {}

  // Waits for room. Returns whether more is wanted: false after a failure.
  bool Put(Chunk chunk) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    while (status_.ok() && next_ - written_ >= most_chunks_) room_.Wait(&mutex_);
    if (!status_.ok()) return false;
    waiting_.emplace_back(next_++, std::move(chunk));
    work_.Signal();
    return true;
  }

  // No chunk comes any more.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    work_.SignalAll();
  }

  // The next chunk and its number, in `item`; false where none comes any more.
  bool Take(std::pair<size_t, Chunk>& item) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    while (waiting_.empty() && !closed_) work_.Wait(&mutex_);
    if (waiting_.empty() || !status_.ok()) return false;
    item = std::move(waiting_.front());
    waiting_.pop_front();
    return true;
  }

  void Finish(size_t number, ScoredChunk scored) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    done_[number] = std::move(scored);
    for (auto first = done_.find(written_); first != done_.end() && status_.ok();
         first = done_.find(written_)) {
      Write(first->second);
      done_.erase(first);
      ++written_;
    }
    if (status_.ok() && std::fflush(output_) != 0) Fail(WriteProblem());
    room_.SignalAll();
  }

  absl::StatusOr<ScoreAudit> Result() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (!status_.ok()) return status_;
    return audit_;
  }

 private:
  static absl::Status WriteProblem() {
    return absl::ErrnoToStatus(errno, "cannot write the verdicts");
  }

  void Write(const ScoredChunk& scored) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (std::fwrite(scored.text.data(), 1, scored.text.size(), output_) != scored.text.size()) {
      Fail(WriteProblem());
      return;
    }
    audit_.Add(scored.audit);
    if (scored.status.ok()) return;
    std::fflush(output_);
    Fail(scored.status);
  }

  void Fail(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    status_ = std::move(status);
    close(failure_pipe_);  // its reader wakes up; status_ never becomes OK again
    work_.SignalAll();
  }

  const size_t most_chunks_;
  FILE* const output_;
  const int failure_pipe_;
  absl::Mutex mutex_;
  absl::CondVar room_, work_;
  std::deque<std::pair<size_t, Chunk>> waiting_ ABSL_GUARDED_BY(mutex_);
  std::map<size_t, ScoredChunk> done_ ABSL_GUARDED_BY(mutex_);  // not yet written
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;                     // number of the next chunk
  size_t written_ ABSL_GUARDED_BY(mutex_) = 0;                  // chunks written
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  ScoreAudit audit_ ABSL_GUARDED_BY(mutex_);
};

// Cuts a file into chunks: whatever a read brings, so that a peer who writes a line and waits for
// its verdict gets it.
//
// Where whole groups are wanted, no chunk ends within one.
class LineReader {
 public:
  LineReader(int input, int failure_pipe, bool whole_groups)
      : input_(input), failure_pipe_(failure_pipe), whole_groups_(whole_groups) {}

  // Reads to the end, or until the window wants no more.
  absl::Status ReadInto(Window& window) {
    while (true) {
      ASSIGN_OR_RETURN(const bool more, ReadSome());
      if (!more && !buffer_.empty()) buffer_ += '\n';  // the last line has no end
      if (!PutLines(window)) return absl::OkStatus();
      if (!more) {
        if (!chunk_.empty()) window.Put(std::move(chunk_));
        return absl::OkStatus();
      }
      if (buffer_.size() > JsonLinesReader::kMaxLineBytes) {
        return absl::InvalidArgumentError(absl::StrCat("standard input:", line_ + 1,
                                                       ": the line is longer than ",
                                                       JsonLinesReader::kMaxLineBytes, " bytes"));
      }
    }
  }

 private:
  // False at the end of the input, and after a failure.
  absl::StatusOr<bool> ReadSome() {
    pollfd files[] = {{input_, POLLIN, 0}, {failure_pipe_, POLLIN, 0}};
    while (poll(files, 2, /*timeout=*/-1) < 0) {
      if (errno != EINTR) return absl::ErrnoToStatus(errno, "cannot wait for standard input");
    }
    if (files[1].revents != 0) {
      buffer_.clear();
      return false;
    }
    const size_t size = buffer_.size();
    buffer_.resize(size + kReadBytes);
    ssize_t count;
    do {
      count = read(input_, &buffer_[size], kReadBytes);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return absl::ErrnoToStatus(errno, "cannot read standard input");
    buffer_.resize(size + count);
    return count > 0;
  }

  // Hands out the whole lines of the buffer; false where the window wants no more.
  bool PutLines(Window& window) {
    size_t begin = 0;
    while (true) {
      const size_t end = buffer_.find('\n', std::max(begin, searched_));
      if (end == std::string::npos) break;
      Line line{++line_, buffer_.substr(begin, end - begin)};
      begin = end + 1;
      if (!IsBlank(line.text) && !PutLine(std::move(line), window)) return false;
    }
    buffer_.erase(0, begin);
    searched_ = buffer_.size();
    const bool may_go_on = whole_groups_ && !group_key_.empty();
    return PutBefore(may_go_on ? group_begin_ : chunk_.size(), window);
  }

  bool PutLine(Line line, Window& window) {
    if (whole_groups_) {
      std::string key = GroupKeyOf(line.text, line.number);
      const bool goes_on =
          !key.empty() && key == group_key_ && chunk_.size() - group_begin_ < kMostLinesOfGroup;
      if (!goes_on) group_begin_ = chunk_.size();
      group_key_ = std::move(key);
    } else {
      group_begin_ = chunk_.size();
    }
    if (group_begin_ >= kMostLines && !PutBefore(group_begin_, window)) return false;
    chunk_.push_back(std::move(line));
    return true;
  }

  // Hands out the first lines of the chunk.
  bool PutBefore(size_t count, Window& window) {
    if (count == 0) return true;
    Chunk first(std::make_move_iterator(chunk_.begin()),
                std::make_move_iterator(chunk_.begin() + count));
    chunk_.erase(chunk_.begin(), chunk_.begin() + count);
    group_begin_ -= std::min(group_begin_, count);
    return window.Put(std::move(first));
  }

  const int input_, failure_pipe_;
  const bool whole_groups_;
  Chunk chunk_;             // lines not yet handed out
  size_t group_begin_ = 0;  // the place in it where the last line's group begins
  std::string group_key_;   // of the last line
  std::string buffer_;      // read and not yet handed out
  size_t searched_ = 0;     // bytes of it without a line's end
  int64_t line_ = 0;        // lines handed out
};

void Work(Scorer& scorer, bool audit, Window& window) {
  std::pair<size_t, Chunk> item;
  while (window.Take(item)) window.Finish(item.first, ScoreChunk(scorer, item.second, audit));
}

}  // namespace

absl::StatusOr<ScoreAudit> ScoreStream(Scorer& scorer, const ScoreStreamOptions& options, int input,
                                       FILE* output) {
  int failure_pipe[2];
  if (pipe(failure_pipe) != 0) return absl::ErrnoToStatus(errno, "cannot make a pipe");
  Window window(size_t{kChunksPerThread} * options.threads, output, failure_pipe[1]);
  std::vector<std::thread> workers;
  for (int i = 0; i < options.threads; ++i) {
    workers.emplace_back([&] { Work(scorer, options.audit, window); });
  }
  const absl::Status read =
      LineReader(input, failure_pipe[0], scorer.needs_whole_groups()).ReadInto(window);
  window.Close();
  for (std::thread& worker : workers) worker.join();
  close(failure_pipe[0]);
  absl::StatusOr<ScoreAudit> result = window.Result();
  if (result.ok()) close(failure_pipe[1]);
  // A line before the one that could not be read may be wrong: it comes first.
  if (result.ok() && !read.ok()) return read;
  return result;
}

}  // namespace grpo
