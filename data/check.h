// A check for what cannot happen: a broken invariant of our own code. What can happen (files,
// recipes, data, plugins) returns absl::Status instead.
#pragma once

#include <cstdio>
#include <cstdlib>

#define GRPO_CHECK(condition)                                                                 \
  do {                                                                                        \
    if (!(condition)) {                                                                       \
      std::fprintf(stderr, "%s:%d: internal error: '%s' does not hold\n", __FILE__, __LINE__, \
                   #condition);                                                               \
      std::abort();                                                                           \
    }                                                                                         \
  } while (false)
