// Python's two ways to put values into a text: "%s" % value and "{}".format(value).
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "data/jinja/runtime.h"
#include "data/jinja/value.h"

namespace grpo::jinja {

// `values` is a tuple, a dict for "%(name)s", or a single value. Conversions d i u f F e E g G x X
// o c s r and %.
absl::StatusOr<Value> FormatPercent(Runtime& runtime, absl::string_view format,
                                    const Value& values);

// Fields by position or name, with attributes and items ("{0.a[b]}"), conversions !s and !r, and
// the format [[fill]align][sign][0][width][,][.precision][type].
absl::StatusOr<Value> FormatBraces(Runtime& runtime, absl::string_view format,
                                   const Arguments& arguments);

}  // namespace grpo::jinja
