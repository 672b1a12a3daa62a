# The server of a box: a warm interpreter inside the sandbox that forks a fresh, further restricted process for each
# check. It speaks to the host alone (descriptor 3, a message a packet), runs one check at a time, and answers only when
# no process of the check is left.

libc = ctypes.PyDLL(None, use_errno=True)

SYS_CLONE, SYS_CAPSET = {"x86_64": (56, 126), "aarch64": (220, 91)}[os.uname().machine]
SYS_LANDLOCK_CREATE, SYS_LANDLOCK_ADD, SYS_LANDLOCK_RESTRICT = 444, 445, 446
CLONE_NEWNS, CLONE_NEWPID = 0x00020000, 0x20000000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 36, 38
MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_RDONLY = 2, 4, 32, 1
LANDLOCK_EXECUTE, LANDLOCK_READ_FILE, LANDLOCK_READ_DIR, LANDLOCK_WRITE_FILE = 1, 4, 8, 2
LANDLOCK_ALL_FILES = (1 << 15) - 1  # of version 3
LANDLOCK_IOCTL, LANDLOCK_ALL_NET, LANDLOCK_ALL_SCOPES = 1 << 15, 3, 3


def demand(result, what):
    if result < 0:
        raise OSError(ctypes.get_errno(), what)
    return result


def call(number, *arguments):
    return demand(libc.syscall(number, *arguments), f"system call {number}")


class Filter:
    """A seccomp program, made by the host."""

    def __init__(self, code):
        self.code = ctypes.create_string_buffer(code, len(code))
        self.program = struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(self.code))

    def enter(self):
        demand(libc.prctl(PR_SET_SECCOMP, 2, self.program, 0, 0), "seccomp")


class Landlock:
    """A set of rules: these folders may be read and run, that one written as well."""

    def __init__(self, readable, writable):
        version = call(SYS_LANDLOCK_CREATE, None, 0, 1)
        if version < 3:
            raise OSError(f"Landlock is of version {version}; version 3 is the first that guards truncation")
        files = LANDLOCK_ALL_FILES | (LANDLOCK_IOCTL if version >= 5 else 0)
        net = LANDLOCK_ALL_NET if version >= 4 else 0
        scopes = LANDLOCK_ALL_SCOPES if version >= 6 else 0
        attributes = struct.pack("QQQ", files, net, scopes)[: 24 if version >= 6 else 16 if version >= 4 else 8]
        self.rules = call(SYS_LANDLOCK_CREATE, attributes, len(attributes), 0)
        for path in readable:
            rights = LANDLOCK_READ_FILE | LANDLOCK_EXECUTE | (LANDLOCK_READ_DIR if os.path.isdir(path) else 0)
            self.allow(path, rights)
        self.allow("/dev/null", LANDLOCK_READ_FILE | LANDLOCK_WRITE_FILE)
        for path in writable:
            self.allow(path, LANDLOCK_ALL_FILES)

    def allow(self, path, rights):
        if os.path.exists(path):
            folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
            call(SYS_LANDLOCK_ADD, self.rules, 1, struct.pack("=Qi", rights, folder), 0)
            os.close(folder)

    def enter(self):
        call(SYS_LANDLOCK_RESTRICT, self.rules, 0)


class Box:
    """What holds for the processes of checks."""

    def __init__(self, settings):
        self.namespaces = settings["tier"] == "namespaces"
        self.limits = settings["limits"]
        self.folder = settings["folder"]
        self.filters = {name: Filter(base64.b64decode(code)) for name, code in settings["filters"].items()}
        self.landlocks = {}
        if not self.namespaces:
            system = ["/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives", "/dev/urandom"]
            run = Landlock(system + [self.folder], [])
            self.landlocks = {"python": run, "program": run, "compiler": Landlock(system, [self.folder])}

    def fork(self, private_files):
        """A child that leads a session of its own; in a process namespace of its own where there are any."""
        if not self.namespaces:
            pid = os.fork()
        else:
            flags = CLONE_NEWPID | signal.SIGCHLD | (CLONE_NEWNS if private_files else 0)
            ctypes.pythonapi.PyOS_BeforeFork()
            pid = libc.syscall(SYS_CLONE, flags, 0, 0, 0, 0)
            if pid == 0:
                ctypes.pythonapi.PyOS_AfterFork_Child()
            else:
                ctypes.pythonapi.PyOS_AfterFork_Parent()
            demand(pid, "clone")
        if pid == 0:
            os.setsid()
            demand(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
        return pid

    def make_folder(self):
        """A private folder for the compiler's files, gone with the process namespace or swept by sweep()."""
        if self.namespaces:
            size = f"size={self.limits['file_bytes']},nr_inodes=64,mode=0700".encode()
            demand(libc.mount(b"tmpfs", self.folder.encode(), b"tmpfs", MS_NOSUID | MS_NODEV, size), "mount")

    def seal_folder(self):
        if self.namespaces:
            flags = MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV
            demand(libc.mount(b"tmpfs", self.folder.encode(), b"tmpfs", flags, None), "mount")

    def sweep(self):
        if not self.namespaces:
            for entry in os.scandir(self.folder):
                os.unlink(entry.path)

    def enter(self, profile):
        """The calling process may from here on do only what the profile allows."""
        limits, compiler = self.limits, profile == "compiler"
        memory = limits["compiler_memory_bytes" if compiler else "memory_bytes"]
        seconds = limits["compiler_cpu_seconds" if compiler else "cpu_seconds"]
        size = limits["file_bytes" if compiler else "output_bytes"]
        for what, soft, hard in (
            (resource.RLIMIT_AS, memory, memory),
            (resource.RLIMIT_CPU, seconds, seconds + 1),
            (resource.RLIMIT_FSIZE, size, size),
            (resource.RLIMIT_NOFILE, 64, 64),
            (resource.RLIMIT_CORE, 0, 0),
            (resource.RLIMIT_MEMLOCK, 0, 0),
        ):
            resource.setrlimit(what, (soft, hard))
        if limits["processes"]:
            resource.setrlimit(resource.RLIMIT_NPROC, (limits["processes"], limits["processes"]))
        demand(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
        demand(libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "prctl")
        demand(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
        if self.namespaces:
            call(SYS_CAPSET, struct.pack("Ii", 0x20080522, 0), struct.pack("IIIIII", 0, 0, 0, 0, 0, 0))
        else:
            self.landlocks[profile].enter()
        self.filters[profile].enter()

    def run(self, request, channel):
        source = read_frame(channel)
        if request["kind"] == "calls":
            self.enter("python")
            serve_calls(channel, source, request["prelude"], request["function"], request["tagged"])
        elif request["kind"] == "asserts":
            run_asserts(self, channel, source)
        elif request["kind"] == "rewrite":
            self.enter("python")
            rewrite_asserts(channel, setup=source)
        else:
            run_programs(self, channel, source, request["language"])


def end_group(pid):
    try:
        os.killpg(pid, signal.SIGKILL)  # the session's only group: nobody in it may leave it
    except ProcessLookupError:
        pass


def reap_orphans():
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            break


def watch(pid, control, seconds, namespaces):
    """Waits for a check's first process, at most so long, and ends whatever is left of the check."""
    ended = os.pidfd_open(pid)
    ready, _, _ = select.select([ended, control], [], [], seconds)
    out_of_time = not ready
    if not namespaces:  # with them, everything in its own ends with the first process
        end_group(pid)
    os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    os.close(ended)
    if not namespaces:
        reap_orphans()
    return {
        "out_of_time": out_of_time,
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
        "status": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
        "cpu_microseconds": int((usage.ru_utime + usage.ru_stime) * 1e6),
        "memory_kilobytes": usage.ru_maxrss,
    }


def serve():
    control = socket.socket(fileno=3)
    settings = json.loads(control.recv(1 << 18))
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    demand(libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")
    demand(libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "prctl")
    box = Box(settings)
    sys.set_int_max_str_digits(20000)
    sys.path[:] = [path for path in sys.path if path.startswith("/usr/")]
    random.seed(0)
    control.send(b"ready")
    os.dup2(0, 2)  # from here on nobody reads what is written there
    gc.collect()
    gc.freeze()
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 1)
        if not message:
            os._exit(0)
        if message == b"cancel":  # of a check that ended by itself just before
            continue
        request = json.loads(message)
        pid = box.fork(private_files=request["language"] == "cpp")
        if pid == 0:
            control.close()
            channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, descriptors[0])
            box.run(request, channel)
            os._exit(0)
        os.close(descriptors[0])
        report = watch(pid, control, request["seconds"], box.namespaces)
        if request["language"] == "cpp":
            box.sweep()
        control.send(json.dumps(report).encode())


serve()
