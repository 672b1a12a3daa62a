/* Calcium's exact numbers behind functions that C++ can call: Calcium's own headers are C alone.
 * A stack of numbers; operations take their arguments from its top and leave their result there.
 * Where an operation has no result, the result is "unknown", and so is all that follows from it. */
#ifndef REWARD_MATH_CALCIUM_H_
#define REWARD_MATH_CALCIUM_H_

#include <flint/fmpq.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GRPO_CALCIUM_DEPTH = 64 }; /* numbers at most */

typedef struct grpo_calcium grpo_calcium; /* of one thread */

enum grpo_calcium_constant { GRPO_CALCIUM_PI, GRPO_CALCIUM_I };

enum grpo_calcium_function {
  GRPO_CALCIUM_NEGATE,
  GRPO_CALCIUM_ABS,
  GRPO_CALCIUM_SQRT,
  GRPO_CALCIUM_EXP,
  GRPO_CALCIUM_LOG,
  GRPO_CALCIUM_SIN,
  GRPO_CALCIUM_COS,
  GRPO_CALCIUM_TAN,
  GRPO_CALCIUM_ATAN,
  GRPO_CALCIUM_ASIN,
  GRPO_CALCIUM_ACOS
};

enum grpo_calcium_operator {
  GRPO_CALCIUM_ADD,
  GRPO_CALCIUM_MULTIPLY,
  GRPO_CALCIUM_DIVIDE,
  GRPO_CALCIUM_POWER
};

grpo_calcium* grpo_calcium_new(void);
void grpo_calcium_free(grpo_calcium* stack);

/* These return 0 where the stack is full or too short. */
int grpo_calcium_push_rational(grpo_calcium* stack, const fmpq* value);
int grpo_calcium_push_constant(grpo_calcium* stack, enum grpo_calcium_constant constant);
int grpo_calcium_apply(grpo_calcium* stack, enum grpo_calcium_function function);
int grpo_calcium_combine(grpo_calcium* stack, enum grpo_calcium_operator op);
/* 1 or -1: the top is certainly a real number of that sign. 0: it is not, or nobody knows. */
int grpo_calcium_sign_of_top(grpo_calcium* stack);
/* Takes two numbers: 1 equal, 0 different, -1 unknown. */
int grpo_calcium_take_equal(grpo_calcium* stack);

#ifdef __cplusplus
}
#endif

#endif /* REWARD_MATH_CALCIUM_H_ */
