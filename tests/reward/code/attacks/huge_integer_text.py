import sys

sys.set_int_max_str_digits(0)


def solve(world):
    return str(7 ** (1 << 26))
