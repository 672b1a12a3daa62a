import ctypes
import os


def solve(world):
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(4096)
    vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 4096)
    done = []
    for pid in (os.getppid(), 1, 2, world["pid"]):
        if libc.ptrace(16, pid, 0, 0) == 0:
            done.append(pid)
        if libc.process_vm_readv(pid, vector, 1, vector, 1, 0) > 0:
            done.append(pid)
        if libc.process_vm_writev(pid, vector, 1, vector, 1, 0) > 0:
            done.append(pid)
    if done:
        open(world["folder"] + "/traced", "w").close()
    return done
