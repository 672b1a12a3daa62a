// The families, a file each. A new one is a file, a line here and a line in data/task.cc.
#pragma once

#include "data/task.h"

namespace grpo {

const TaskFamily& AdditionFamily();
const TaskFamily& SubtractionFamily();
const TaskFamily& MultiplicationFamily();
const TaskFamily& ChainFamily();
const TaskFamily& EquationFamily();
const TaskFamily& CountdownFamily();
const TaskFamily& SortingFamily();
const TaskFamily& CountingFamily();

}  // namespace grpo
