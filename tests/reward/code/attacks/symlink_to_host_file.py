import os


def solve(world):
    for folder in ("/tmp", ".", "/dev/shm"):
        try:
            os.symlink(world["file"], f"{folder}/link")
            with open(f"{folder}/link") as file:
                return file.read()
        except OSError:
            pass
