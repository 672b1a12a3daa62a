def solve(world):
    for i in range(100000):
        print(f"xyzzy-{i:016x}")
    return ""
