def solve(world):
    return list(range(20000000))
