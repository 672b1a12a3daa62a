#include "reward/math/answer.h"

namespace grpo {
namespace {

int32_t Append(const Answer& answer, Expression* expression) {
  std::vector<int32_t> arguments;
  arguments.reserve(answer.parts.size());
  for (const Answer& part : answer.parts) arguments.push_back(Append(part, expression));
  expression->nodes.push_back({answer.op, answer.text, std::move(arguments)});
  return static_cast<int32_t>(expression->nodes.size()) - 1;
}

}  // namespace

bool IsScalar(const Answer& answer) {
  if (answer.form != AnswerForm::kScalar) return false;
  for (const Answer& part : answer.parts) {
    if (!IsScalar(part)) return false;
  }
  return true;
}

Expression ToExpression(const Answer& answer) {
  Expression expression;
  Append(answer, &expression);
  return expression;
}

bool HasVariables(const Answer& answer) {
  bool found = false;
  VisitParts(answer, [&](const Answer& part) {
    found = found || (part.form == AnswerForm::kScalar &&
                      (part.op == Op::kVariable || part.op == Op::kCall));
  });
  return found;
}

}  // namespace grpo
