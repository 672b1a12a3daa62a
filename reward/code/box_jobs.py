# What the processes of a check do: serve calls of a function, run a program over inputs, run asserts.

# --- The candidate's process: nothing secret ever stands in its memory. ---


def load(source, name, prelude=b""):
    """The program as a module, and what went wrong with it."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    try:
        if prelude:
            exec(compile(prelude, "<setup>", "exec"), module.__dict__)
        exec(compile(source, "<program>", "exec"), module.__dict__)
    except BaseException as fault:
        return module, describe(fault)
    return module, None


def find_function(module, name):
    """A function of the module, or a method of its class Solution."""
    function = module.__dict__.get(name)
    if function is None and "Solution" in module.__dict__:
        function = getattr(module.__dict__["Solution"](), name, None)
    if function is None:
        raise NameError(f"the program defines no {name}")
    return function


def opaque(value):
    return {"o": type(value).__name__}


def serve_calls(channel, source, prelude, function_name, tagged):
    """Answers each frame of arguments with a frame: what the function returned or raised."""
    module, fault = load(source, "solution", prelude)
    write_json(channel, {"load": fault})
    while (frame := read_frame(channel)) is not None:
        try:
            call = json.loads(frame)
            if tagged:
                call["args"] = unpack(call["args"], opaque)
                call["kwargs"] = {name: unpack(item, opaque) for name, item in call["kwargs"].items()}
            answer = find_function(module, function_name)(*call["args"], **call["kwargs"])
            reply = json.dumps({"v": pack(answer, opaque)})
        except BaseException as fault:
            reply = json.dumps({"e": describe(fault)})
        write_frame(channel, reply.encode())


class Objects:
    """Values of the program that are no plain data, by number."""

    def __init__(self, module):
        self.module = module
        self.values = []

    def pack(self, value):
        if type(value) is range:
            return {"x": [value.start, value.stop, value.step]}
        self.values.append(value)
        return {"r": len(self.values) - 1}

    def unpack(self, tagged):
        ((tag, content),) = tagged.items()
        if tag == "r":
            return self.values[content]
        if tag == "g":
            return self.module.__dict__[content]
        if tag == "x":
            return range(*content)
        if tag == "n":
            return getattr(builtins, content)
        raise ValueError("unknown tag")


def serve_objects(channel, source):
    """Answers the process that runs the asserts: calls, attributes and items of the program's objects."""
    module, fault = load(source, "solution", prelude=read_frame(channel))
    write_json(channel, {"load": fault})
    objects = Objects(module)
    operations = {
        "value": lambda target: target,
        "call": lambda target, args, kwargs: target(*args, **kwargs),
        "call_in_place": lambda target, args, kwargs: (target(*args, **kwargs), args)[1],
        "getattr": getattr,
        "setattr": setattr,
        "getitem": lambda target, key: target[key],
        "len": len,
        "iter": iter,
        "next": next,
        "str": str,
    }
    while (frame := read_frame(channel)) is not None:
        try:
            request = json.loads(frame)
            operation = request["op"]
            if operation == "names":
                reply = {"v": [describe_name(module, name) for name in request["names"]]}
            else:
                target = request["on"]
                target = module.__dict__[target] if type(target) is str else objects.values[target]
                arguments = unpack(request["with"], objects.unpack)
                reply = {"v": pack(operations[operation](target, *arguments), objects.pack)}
            text = json.dumps(reply)
        except BaseException as fault:
            text = json.dumps({"e": type(fault).__name__, "m": describe(fault)})
        write_frame(channel, text.encode())


def describe_name(module, name):
    if name not in module.__dict__:
        return "missing"
    value = module.__dict__[name]
    return "module" if type(value) is types.ModuleType else "callable" if callable(value) else "value"


def run_as_main(source):
    """Runs a program as `python3 program.py` would; returns its exit status."""
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.argv = ["program.py"]
    status = 0
    try:
        exec(compile(source, "program.py", "exec"), module.__dict__)
    except SystemExit as exit:
        status = exit.code if type(exit.code) is int else 0 if exit.code is None else 1
    except BaseException as fault:
        print(describe(fault), file=sys.stderr)
        status = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return status & 255


# --- Programs over inputs. ---


def memory_file(content=b""):
    descriptor = os.memfd_create("stream")
    while content:
        content = content[os.write(descriptor, content) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def run_child(start, streams):
    """Forks a child with these three streams; (signal or 0, exit status, usage)."""
    pid = os.fork()
    if pid == 0:
        try:
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
            status = start()
        except BaseException as fault:
            os.write(2, describe(fault).encode())
            status = 125
        os._exit(status)
    _, status, usage = os.wait4(pid, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, os.waitstatus_to_exitcode(status) & 255, usage


def compile_cpp(box, source, folder):
    """Compiles into folder/program; what the compiler complained of, or None."""
    with open(f"{folder}/program.cc", "wb") as file:
        file.write(source)
    null, complaint = os.open("/dev/null", os.O_RDWR), memory_file()

    def start():
        box.enter("compiler")
        os.execve("/usr/bin/g++", ["g++", "-std=c++20", "-O2", "-o", "program", "program.cc"],
                  {"PATH": "/usr/bin", "TMPDIR": folder, "LC_ALL": "C"})

    signal, status, _ = run_child(start, [null, complaint, complaint])
    if signal or status:
        return f"signal {signal}" if signal else os.pread(complaint, 1000, 0).decode(errors="replace")
    os.chmod(f"{folder}/program", 0o700)
    os.close(complaint)
    return None


def run_programs(box, channel, source, language):
    """Answers each frame of standard input with how the program ended and what it wrote."""
    if language == "cpp":
        box.make_folder()
        os.chdir(box.folder)
        fault = compile_cpp(box, source, box.folder)
        write_json(channel, {"load": fault})
        if fault is not None:
            return
        box.seal_folder()

    def start():
        if language == "cpp":
            box.enter("program")
            os.execve(f"{box.folder}/program", ["program"], {})
        box.enter("python")
        return run_as_main(source)

    if language != "cpp":
        write_json(channel, {"load": None})
    while (frame := read_frame(channel)) is not None:
        streams = [memory_file(frame), memory_file(), memory_file()]
        signal, status, usage = run_child(start, streams)
        report = {"signal": signal, "status": status, "error": os.pread(streams[2], 300, 0).decode(errors="replace")}
        output = os.pread(streams[1], box.limits["output_bytes"] + 1, 0)
        write_frame(channel, json.dumps(report).encode() + b"\n" + output)
        for stream in streams:
            os.close(stream)


# --- Asserts: they run here, in a process of their own; the program's functions are called over a socket. ---


class ProgramFault(Exception):
    """The program raised what is no exception of Python's own."""


def as_exception(name, message):
    kind = getattr(builtins, name, None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        kind = ProgramFault
    try:
        return kind(message)
    except TypeError:  # an exception that is made of more than a message
        return ProgramFault(message)


class Program:
    """The other process."""

    def __init__(self, channel):
        self.channel = channel

    def ask(self, operation, target, *arguments):
        reply = self.exchange({"op": operation, "on": target, "with": pack(list(arguments), pack_for_program)})
        if "e" in reply:
            raise as_exception(str(reply["e"]), str(reply.get("m")))
        return unpack(reply["v"], self.remote)

    def exchange(self, request):
        write_json(self.channel, request)
        return self.read()

    def read(self):
        frame = read_frame(self.channel)
        if frame is None:
            raise EOFError("the program ended during a call")
        reply = json.loads(frame)
        if type(reply) is not dict:
            raise ValueError("a reply that is no object")
        return reply

    def remote(self, tagged):
        ((tag, content),) = tagged.items()
        if tag == "x":
            return range(*content)
        return Remote(self, int(content))


class Remote:
    """A function or object of the program. Compares equal to itself alone, whatever its class says."""

    __slots__ = ("_program", "_target")

    def __init__(self, program, target):
        object.__setattr__(self, "_program", program)
        object.__setattr__(self, "_target", target)

    def _ask(self, operation, *arguments):
        return self._program.ask(operation, self._target, *arguments)

    def __call__(self, *args, **kwargs):
        return self._ask("call", list(args), kwargs)

    def __getattr__(self, name):
        return self._ask("getattr", name)

    def __setattr__(self, name, value):
        self._ask("setattr", name, value)

    def __getitem__(self, key):
        return self._ask("getitem", key)

    def __len__(self):
        return self._ask("len")

    def __bool__(self):
        return True

    def __iter__(self):
        return self._ask("iter")

    def __next__(self):
        return self._ask("next")

    def __str__(self):
        return str(self._ask("str"))


def pack_for_program(value):
    if type(value) is Remote:
        return {"g" if type(value._target) is str else "r": value._target}
    if type(value) is range:
        return {"x": [value.start, value.stop, value.step]}
    name = getattr(value, "__name__", None)
    if type(name) is str and getattr(builtins, name, None) is value:
        return {"n": name}
    if hasattr(value, "__iter__"):
        return pack(list(value), pack_for_program)
    raise Unsendable(f"a {type(value).__name__} as an argument")


def call_in_place(function, *args, **kwargs):
    """A call as a statement of its own: what it does to its arguments is what counts."""
    if type(function) is not Remote:
        return function(*args, **kwargs)
    for old, new in zip(args, function._ask("call_in_place", list(args), kwargs)):
        if type(old) is type(new) and type(old) in (list, bytearray):
            old[:] = new
        elif type(old) is type(new) and type(old) in (dict, set):
            old.clear()
            old.update(new)
    return None


class Checks:
    """Counts the asserts that held."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.first_fault = None

    def check(self, condition):
        if condition:
            self.passed += 1
        else:
            self.fail("an assert does not hold")

    def fault(self):
        fault = sys.exc_info()[1]
        if isinstance(fault, Unsendable):
            raise fault
        self.fail(describe(fault))

    def fail(self, reason):
        self.failed += 1
        self.first_fault = self.first_fault or reason


class CountedAsserts(ast.NodeTransformer):
    """Turns `assert x` into a counted check, and statements `f(x)` into calls that may change x."""

    def __init__(self):
        self.count = 0

    def visit_Try(self, node):
        # Handlers may wait for the AssertionError: such a statement stays as it is, and counts once it is over.
        if not any(isinstance(part, ast.Assert) for part in ast.walk(node)):
            return self.generic_visit(node)
        self.count += 1
        return [node, ast.copy_location(ast.parse("__check__(True)").body[0], node)]

    def visit_Assert(self, node):
        self.count += 1
        text = ast.parse("try:\n __check__(0)\nexcept __exception__:\n __fault__()").body[0]
        text.body[0].value.args[0] = node.test
        return ast.copy_location(text, node)

    def visit_Expr(self, node):
        if isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name):
            node.value.args.insert(0, node.value.func)
            node.value.func = ast.copy_location(ast.Name("__call_in_place__", ast.Load()), node)
        return node


def is_stub(node):
    """A function without a body of its own, such as the head of a task."""
    return isinstance(node, ast.FunctionDef) and all(
        isinstance(line, ast.Pass) or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
        for line in node.body)


def names_wanted(tree):
    """Names that the tests use and do not make themselves; which of them are used as modules."""
    used, made, modules, called = {}, set(), set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                used[node.id] = None
            else:
                made.add(node.id)
        elif isinstance(node, ast.arg):
            made.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            made.add(node.name)
        elif isinstance(node, ast.alias):
            made.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            made.add(node.name)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in sys.stdlib_module_names:
                modules.add(node.value.id)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called.add(node.func.id)
    free = [name for name in used if name not in made and not name.startswith("__")]
    wanted = [name for name in free if not hasattr(builtins, name) and name not in modules]
    shadowed = [name for name in free if hasattr(builtins, name) and name in called]
    return wanted, modules - made, shadowed


def bind_names(program, tree):
    """The tests' globals. A built-in function is the program's only where the tests use nothing else of it."""
    wanted, modules, shadowed = names_wanted(tree)
    names = {name: __import__(name) for name in modules}
    asked = wanted or shadowed
    kinds = dict(zip(asked, program.exchange({"op": "names", "names": asked})["v"]))
    if not wanted:
        kinds = {name: kind for name, kind in kinds.items() if kind == "callable"}
        kinds = kinds if len(kinds) == 1 else {}
    for name, kind in kinds.items():
        if kind == "callable":
            names[name] = Remote(program, name)
        elif kind == "value":
            names[name] = program.ask("value", name)
    return names


def run_asserts(box, channel, source):
    """Forks the program's process, only then reads the tests, and says how many asserts held."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        channel.close()
        box.enter("python")
        serve_objects(theirs, source)
        os._exit(0)
    theirs.close()
    setup, tests = read_frame(channel), read_frame(channel)
    box.enter("python")
    write_json(channel, judge(Program(ours), setup, tests))


def judge(program, setup, tests):
    try:
        setup_tree = ast.parse(setup)
        tests_tree = ast.parse(tests)
    except (SyntaxError, ValueError, RecursionError) as fault:
        return {"invalid": f"the tests cannot be parsed: {describe(fault)}"}
    imports = [node for node in setup_tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    setup_tree.body = [node for node in setup_tree.body if not is_stub(node)]
    tree = ast.Module(setup_tree.body + tests_tree.body, [])
    counted = CountedAsserts()
    checks = Checks()
    try:
        prelude = "\n".join(ast.unparse(node) for node in imports)
        write_frame(program.channel, prelude.encode())
        fault = program.read()["load"]
        if fault is not None:
            return {"passed": 0, "failed": 1, "fault": str(fault)}
        names = bind_names(program, tree)
        tree = ast.fix_missing_locations(counted.visit(tree))
        if counted.count == 0:
            return {"invalid": "the tests have no assert"}
        names.update({"__name__": "tests", "__check__": checks.check, "__fault__": checks.fault,
                      "__exception__": Exception, "__call_in_place__": call_in_place})
        exec(compile(tree, "<tests>", "exec"), names)
    except Unsendable as fault:
        return {"invalid": f"the tests use what cannot be handed to the program: {fault}"}
    except BaseException as fault:
        checks.fail(describe(fault))
    if checks.passed == 0 and checks.failed == 0:
        checks.fail("no assert was reached")
    return {"passed": checks.passed, "failed": checks.failed, "fault": checks.first_fault}
