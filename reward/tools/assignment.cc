#include "reward/tools/assignment.h"

#include <limits>

namespace grpo {
namespace {

// Rows and columns count from 1 inside; 0 stands for "none".
class Hungarian {
 public:
  explicit Hungarian(const std::vector<std::vector<int64_t>>& weights)
      : weights_(weights),
        size_(static_cast<int>(weights.size())),
        row_potential_(size_ + 1),
        column_potential_(size_ + 1),
        row_of_(size_ + 1) {}

  std::vector<int> Solve() {
    for (int row = 1; row <= size_; ++row) AddRow(row);
    std::vector<int> column_of(size_);
    for (int column = 1; column <= size_; ++column) column_of[row_of_[column] - 1] = column - 1;
    return column_of;
  }

 private:
  // Grows shortest paths from the new row until they reach a free column, then shifts the pairs
  // along the path.
  void AddRow(int new_row) {
    std::vector<int64_t> slack(size_ + 1, std::numeric_limits<int64_t>::max());
    std::vector<int> previous(size_ + 1);
    std::vector<bool> reached(size_ + 1);
    row_of_[0] = new_row;
    int column = 0;
    while (row_of_[column] != 0) {
      reached[column] = true;
      column = NextColumn(column, reached, &slack, &previous);
    }
    while (column != 0) {
      row_of_[column] = row_of_[previous[column]];
      column = previous[column];
    }
  }

  // The column that is nearest to those reached, after the potentials have made its distance 0.
  int NextColumn(int from, const std::vector<bool>& reached, std::vector<int64_t>* slack,
                 std::vector<int>* previous) {
    const int row = row_of_[from];
    int nearest = 0;
    int64_t distance = std::numeric_limits<int64_t>::max();
    for (int column = 1; column <= size_; ++column) {
      if (reached[column]) continue;
      const int64_t cost =
          -weights_[row - 1][column - 1] - row_potential_[row] - column_potential_[column];
      if (cost < (*slack)[column]) {
        (*slack)[column] = cost;
        (*previous)[column] = from;
      }
      if ((*slack)[column] < distance) {
        distance = (*slack)[column];
        nearest = column;
      }
    }
    for (int column = 0; column <= size_; ++column) {
      if (reached[column]) {
        row_potential_[row_of_[column]] += distance;
        column_potential_[column] -= distance;
      } else {
        (*slack)[column] -= distance;
      }
    }
    return nearest;
  }

  const std::vector<std::vector<int64_t>>& weights_;
  const int size_;
  std::vector<int64_t> row_potential_, column_potential_;
  std::vector<int> row_of_;  // of each column; that of column 0 is the row being added
};

}  // namespace

std::vector<int> BestAssignment(const std::vector<std::vector<int64_t>>& weights) {
  return Hungarian(weights).Solve();
}

}  // namespace grpo
