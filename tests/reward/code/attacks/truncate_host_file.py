import os


def solve(world):
    for action in (lambda: os.truncate(world["file"], 0), lambda: os.unlink(world["file"]),
                   lambda: os.rename(world["file"], world["file"] + ".old"), lambda: os.chmod(world["file"], 0),
                   lambda: os.open(world["file"], os.O_RDONLY | os.O_TRUNC)):
        try:
            action()
        except OSError:
            pass
    return "x"
