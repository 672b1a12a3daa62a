def solve(world):
    return "xyzzy"
