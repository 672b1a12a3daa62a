#include "reward/scorer.h"
