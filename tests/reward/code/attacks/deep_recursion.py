import sys

sys.setrecursionlimit(1 << 30)


def solve(world):
    nest = []
    for _ in range(1000000):
        nest = [nest]
    return repr(nest)
