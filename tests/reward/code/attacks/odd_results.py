import math

count = 0


def solve(world):
    global count
    count += 1
    odd = [float("nan"), True, 1, 1.0, [], {}, (), None, b"xyzzy-", {1: 2}, math.inf, 10**5000, "\ud800", range(3), solve]
    return odd[count % len(odd)]
