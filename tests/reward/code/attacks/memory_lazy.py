def solve(world):
    blocks = []
    while True:
        blocks.append(bytearray(1 << 30))
