def solve(world):
    ring = {}
    ring["ring"] = [ring]
    return ring
