#include "rollout/sampling.h"
