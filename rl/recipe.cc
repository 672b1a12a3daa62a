#include "rl/recipe.h"
