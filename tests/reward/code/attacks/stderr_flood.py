import sys


def solve(world):
    while True:
        print("x" * 65536, file=sys.stderr)
