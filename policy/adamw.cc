#include "policy/adamw.h"
