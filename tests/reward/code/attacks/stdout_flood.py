def solve(world):
    while True:
        print("x" * 65536)
