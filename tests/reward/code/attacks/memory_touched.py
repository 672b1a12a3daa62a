def solve(world):
    blocks = []
    while True:
        blocks.append(b"x" * (1 << 24))
