import os
import time


def solve(world):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(64):
                try:
                    os.close(number)
                except OSError:
                    pass
            time.sleep(5)
            open(world["folder"] + "/daemon", "w").close()
        os._exit(0)
