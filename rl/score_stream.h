// Scores JSON lines as they come: `grpo score` without its command line.
//
// The caller's thread reads the input and cuts it into chunks of whole lines; worker threads take a
// chunk, read its records, have them scored and put the lines of output in the chunk's place;
// whoever completes the first chunk that is still missing writes it and those after it. All share
// one state under one mutex. The reader waits for input or for a worker's failure (a byte in a
// pipe), and for room in the window (woken when chunks are written); workers wait for a chunk
// (woken by the reader) until the reader has ended.
#pragma once

#include <cstdio>

#include "absl/status/statusor.h"

#include "reward/scorer.h"
#include "rl/score_audit.h"

namespace grpo {

struct ScoreStreamOptions {
  int threads = 2;     // that read records and write verdicts, besides the scorer's own
  bool audit = false;  // reads "expected"
};

// Writes one verdict for each record, in the records' order, as soon as it and those before it are
// done (see rl/score_record.h for both). Blank lines are skipped. A line that is no such record
// ends it with an error that names the line, after the verdicts on the lines before it. At most
// 64 lines a chunk and 4 chunks a thread are under way at a time; a line may have 64 MiB.
//
// Where a reward compares the completions of a group, records of equal "group" that follow one
// another are scored together: their verdicts come once a record of another group, or the end of
// the input, has shown that the group is whole. A group that stands right before a line in error
// gets none. A group of more than 65,536 records is scored in parts of as many.
absl::StatusOr<ScoreAudit> ScoreStream(Scorer& scorer, const ScoreStreamOptions& options, int input,
                                       FILE* output);

}  // namespace grpo
