def solve(world)
    return "x"
