#include "reward/math/calcium.h"

#include <calcium/ca.h>

struct grpo_calcium {
  ca_ctx_t context;
  ca_t numbers[GRPO_CALCIUM_DEPTH];
  int count;
};

grpo_calcium* grpo_calcium_new(void) {
  grpo_calcium* stack = flint_malloc(sizeof(grpo_calcium));
  ca_ctx_init(stack->context);
  /* Low limits: what takes Calcium long is left undecided. */
  stack->context->options[CA_OPT_PREC_LIMIT] = 512;
  stack->context->options[CA_OPT_QQBAR_DEG_LIMIT] = 24;
  stack->context->options[CA_OPT_LLL_PREC] = 128;
  stack->context->options[CA_OPT_POW_LIMIT] = 20;
  stack->context->options[CA_OPT_USE_GROEBNER] = 0;
  stack->count = 0;
  return stack;
}

void grpo_calcium_free(grpo_calcium* stack) {
  while (stack->count > 0) ca_clear(stack->numbers[--stack->count], stack->context);
  ca_ctx_clear(stack->context);
  flint_free(stack);
}

static ca_ptr push(grpo_calcium* stack) {
  ca_ptr number;
  if (stack->count == GRPO_CALCIUM_DEPTH) return NULL;
  number = stack->numbers[stack->count++];
  ca_init(number, stack->context);
  return number;
}

int grpo_calcium_push_rational(grpo_calcium* stack, const fmpq* value) {
  ca_ptr number = push(stack);
  if (number == NULL) return 0;
  ca_set_fmpq(number, value, stack->context);
  return 1;
}

int grpo_calcium_push_constant(grpo_calcium* stack, enum grpo_calcium_constant constant) {
  ca_ptr number = push(stack);
  if (number == NULL) return 0;
  if (constant == GRPO_CALCIUM_PI) {
    ca_pi(number, stack->context);
  } else {
    ca_i(number, stack->context);
  }
  return 1;
}

int grpo_calcium_apply(grpo_calcium* stack, enum grpo_calcium_function function) {
  ca_ptr x;
  ca_ctx_struct* context = stack->context;
  if (stack->count < 1) return 0;
  x = stack->numbers[stack->count - 1];
  switch (function) {
    case GRPO_CALCIUM_NEGATE:
      ca_neg(x, x, context);
      break;
    case GRPO_CALCIUM_ABS:
      ca_abs(x, x, context);
      break;
    case GRPO_CALCIUM_SQRT:
      ca_sqrt(x, x, context);
      break;
    case GRPO_CALCIUM_EXP:
      ca_exp(x, x, context);
      break;
    case GRPO_CALCIUM_LOG:
      ca_log(x, x, context);
      break;
    case GRPO_CALCIUM_SIN:
      ca_sin_cos(x, NULL, x, context);
      break;
    case GRPO_CALCIUM_COS:
      ca_sin_cos(NULL, x, x, context);
      break;
    case GRPO_CALCIUM_TAN:
      ca_tan(x, x, context);
      break;
    case GRPO_CALCIUM_ATAN:
      ca_atan(x, x, context);
      break;
    case GRPO_CALCIUM_ASIN:
      ca_asin(x, x, context);
      break;
    case GRPO_CALCIUM_ACOS:
      ca_acos(x, x, context);
      break;
  }
  return 1;
}

int grpo_calcium_combine(grpo_calcium* stack, enum grpo_calcium_operator op) {
  ca_ptr x;
  ca_ptr y;
  ca_ctx_struct* context = stack->context;
  if (stack->count < 2) return 0;
  x = stack->numbers[stack->count - 2];
  y = stack->numbers[stack->count - 1];
  switch (op) {
    case GRPO_CALCIUM_ADD:
      ca_add(x, x, y, context);
      break;
    case GRPO_CALCIUM_MULTIPLY:
      ca_mul(x, x, y, context);
      break;
    case GRPO_CALCIUM_DIVIDE:
      ca_div(x, x, y, context);
      break;
    case GRPO_CALCIUM_POWER:
      ca_pow(x, x, y, context);
      break;
  }
  ca_clear(y, context);
  --stack->count;
  return 1;
}

int grpo_calcium_sign_of_top(grpo_calcium* stack) {
  ca_t zero;
  ca_ptr x;
  int sign = 0;
  if (stack->count < 1) return 0;
  x = stack->numbers[stack->count - 1];
  if (ca_check_is_real(x, stack->context) != T_TRUE) return 0;
  ca_init(zero, stack->context);
  if (ca_check_gt(x, zero, stack->context) == T_TRUE) {
    sign = 1;
  } else if (ca_check_lt(x, zero, stack->context) == T_TRUE) {
    sign = -1;
  }
  ca_clear(zero, stack->context);
  return sign;
}

int grpo_calcium_take_equal(grpo_calcium* stack) {
  truth_t equal;
  if (stack->count < 2) return -1;
  equal = ca_check_equal(stack->numbers[stack->count - 2], stack->numbers[stack->count - 1],
                         stack->context);
  ca_clear(stack->numbers[--stack->count], stack->context);
  ca_clear(stack->numbers[--stack->count], stack->context);
  return equal == T_TRUE ? 1 : equal == T_FALSE ? 0 : -1;
}
