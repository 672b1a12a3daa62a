import ctypes


def solve(world):
    callback = ctypes.CFUNCTYPE(None)

    def again():
        callback(again)()

    again()
