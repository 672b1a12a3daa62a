def solve(world):
    nest = []
    for _ in range(100000):
        nest = [nest]
    return nest
