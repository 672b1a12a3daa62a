import os
import sys

os.environ["LEFT"] = "1"
sys.modules["math"] = None
SEEN = set()


def solve(world):
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    for number in (29, 64, 68, 240):  # shmget, semget, msgget, mq_open
        libc.syscall(number, 4711, 4096, 0o1777, 0)
    return "x"
