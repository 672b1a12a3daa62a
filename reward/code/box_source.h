// The Python program that runs inside a box: box_values.py, box_jobs.py and box_server.py as one.
#pragma once

namespace grpo {

extern const char kBoxSource[];

}  // namespace grpo
