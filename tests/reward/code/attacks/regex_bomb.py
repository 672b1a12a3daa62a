import re


def solve(world):
    return re.match(r"(a+)+$", "a" * 60 + "b")
