#include "reward/math/matrix.h"

#include <utility>

namespace grpo {
namespace {

constexpr int kMaxEntries = 256;

int Rows(const Answer& matrix) { return static_cast<int>(matrix.parts.size()) / matrix.columns; }

Answer Scaled(const Answer& factor, const Answer& matrix) {
  Answer result = matrix;
  for (Answer& entry : result.parts) {
    entry = MakeScalar(Op::kMultiply, {factor, std::move(entry)});
  }
  return result;
}

}  // namespace

absl::optional<Answer> AddMatrices(const Answer& a, const Answer& b) {
  if (a.form != AnswerForm::kMatrix || b.form != AnswerForm::kMatrix || a.columns != b.columns ||
      a.parts.size() != b.parts.size()) {
    return absl::nullopt;
  }
  Answer sum = a;
  for (size_t i = 0; i < sum.parts.size(); ++i) {
    sum.parts[i] = MakeScalar(Op::kAdd, {a.parts[i], b.parts[i]});
  }
  return sum;
}

absl::optional<Answer> MultiplyMatrices(const Answer& a, const Answer& b) {
  if (a.form != AnswerForm::kMatrix) return Scaled(a, b);
  if (b.form != AnswerForm::kMatrix) return Scaled(b, a);
  const int inner = a.columns;
  if (Rows(b) != inner || Rows(a) * b.columns * inner > kMaxEntries) return absl::nullopt;
  Answer product = MakeForm(AnswerForm::kMatrix, {});
  product.columns = b.columns;
  for (int row = 0; row < Rows(a); ++row) {
    for (int column = 0; column < b.columns; ++column) {
      std::vector<Answer> terms;
      for (int k = 0; k < inner; ++k) {
        terms.push_back(
            MakeScalar(Op::kMultiply, {a.parts[row * inner + k], b.parts[k * b.columns + column]}));
      }
      product.parts.push_back(MakeScalar(Op::kAdd, std::move(terms)));
    }
  }
  return product;
}

}  // namespace grpo
