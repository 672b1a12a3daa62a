import pickle


class Bomb:
    def __reduce__(self):
        import os

        return os.system, ("touch /tmp/bomb; sleep 60",)


def solve(world):
    return pickle.loads(pickle.dumps(Bomb()))
