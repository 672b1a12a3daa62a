// A bound on work that is counted, not timed, so that a verdict never depends on the machine.
#pragma once

#include <cstdint>

namespace grpo {

// The units are about nanoseconds of one core of 2020.
class Fuel {
 public:
  explicit Fuel(int64_t units) : units_(units) {}

  // False from the first call on that asks for more than is left.
  bool Spend(int64_t units) {
    if (units < 0 || units > units_) units_ = -1;
    if (units_ < 0) return false;
    units_ -= units;
    return true;
  }
  bool IsSpent() const { return units_ < 0; }

 private:
  int64_t units_;
};

}  // namespace grpo
