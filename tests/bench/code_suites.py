#!/usr/bin/env python3
"""Canonical solutions and mutants of HumanEval, HumanEval+ and MBPP through the checker code_tests.

Every canonical solution must pass, and no mutant may pass that plain Python rejects: a mutant that passes is run once
more with the suite's own asserts in an ordinary interpreter, which tells weak tests from a weak checker. Prints a line
of JSON for each suite. Runs the suites' own code (not the checker's boxes alone) on this machine: mind where.

  code_suites.py --humaneval HumanEval.jsonl.gz --humanevalplus HumanEvalPlus.jsonl.gz --mbpp mbpp.jsonl \
      --score './grpo score --reward code_tests --set seconds=10'
"""

import argparse
import ast
import copy
import gzip
import json
import math
import os
import shlex
import signal
import subprocess
import sys

LARGEST_TESTS = 32 << 20  # bytes
KINDS = ("constant", "negated", "off_by_one", "removed_line", "exception")


def read(path):
    with gzip.open(path, "rt") if path.endswith(".gz") else open(path) as file:
        return [json.loads(line) for line in file]


def helpers(prompt, entry_point):
    """The prompt's functions beside the one to write: the tests use them, so they must not be the program's."""
    tree = ast.parse(prompt)
    tree.body = [node for node in tree.body if getattr(node, "name", None) != entry_point]
    return ast.unparse(tree)


def human_eval(path):
    for record in read(path):
        tests = {"kind": "asserts", "setup": helpers(record["prompt"] + "    pass\n", record["entry_point"]),
                 "code": f"{record['test']}\ncheck({record['entry_point']})\n"}
        yield record["task_id"], record["prompt"] + record["canonical_solution"], record["entry_point"], tests


def mbpp(path):
    for record in read(path):
        tests = {"kind": "asserts", "setup": record["test_setup_code"],
                 "code": "\n".join(record["test_list"] + record["challenge_test_list"])}
        code = record["code"].replace("\r\n", "\n")
        called = [node.func.id for node in ast.walk(ast.parse(tests["code"]))
                  if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
        defined = [node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
        entry_point = next((name for name in called if name in defined), defined[-1] if defined else "")
        yield f"MBPP/{record['task_id']}", code, entry_point, tests


def tagged(value):
    if type(value) is int and not -(2**63) <= value < 2**63:
        return {"i": str(value)} if value.bit_length() <= 65536 else {"h": f"{value:x}"}
    if type(value) is float and not math.isfinite(value):
        return {"f": repr(value)}
    if type(value) is list:
        return [tagged(item) for item in value]
    if type(value) is tuple:
        return {"t": [tagged(item) for item in value]}
    if type(value) is set:
        return {"s": [tagged(item) for item in value]}
    if isinstance(value, dict):
        return {"d": [[tagged(key), tagged(item)] for key, item in value.items()]}
    return value


def untagged(value):
    if type(value) is list:
        return [untagged(item) for item in value]
    if type(value) is not dict:
        return value
    (tag, content), = value.items()
    scalars = {"f": float, "i": int, "h": lambda digits: int(digits, 16)}
    if tag in scalars:
        return scalars[tag](content)
    if tag == "d":
        return {untagged(key): untagged(item) for key, item in content}
    return {"t": tuple, "s": set}[tag](map(untagged, content))


def has_float(value):
    if isinstance(value, (list, tuple, set)):
        return any(map(has_float, value))
    return isinstance(value, float)


def drop_largest(cases):
    """Leaves out the largest cases until the rest fit into a line of `grpo score`, and says how many."""
    sizes = [len(json.dumps(case)) for case in cases]
    dropped = 0
    while sum(sizes) > LARGEST_TESTS:
        largest = sizes.index(max(sizes))
        del sizes[largest], cases[largest]
        dropped += 1
    return dropped


def human_eval_plus(path):
    for record in read(path):
        code, entry_point = record["prompt"] + record["canonical_solution"], record["entry_point"]
        names = {}
        exec(code, names)
        cases, floats = [], False
        for arguments in record["base_input"] + record["plus_input"]:
            expected = names[entry_point](*copy.deepcopy(arguments))
            floats = floats or has_float(expected)
            cases.append({"args": tagged(arguments), "expected": tagged(expected)})
        left_out = drop_largest(cases)
        if left_out:
            print(json.dumps({"task": record["task_id"], "cases": len(cases), "left_out_as_too_large": left_out}),
                  flush=True)
        tests = {"kind": "call", "function": entry_point, "encoding": "tagged", "cases": cases,
                 "tolerance": max(record["atol"], 1e-6 if floats else 0)}
        yield record["task_id"], code, entry_point, tests


class Mutation(ast.NodeTransformer):
    """Changes the first place of its kind."""

    def __init__(self, kind):
        self.kind, self.done = kind, False

    def visit_If(self, node):
        return self.negate(node)

    def visit_While(self, node):
        return self.negate(node)

    def visit_IfExp(self, node):
        return self.negate(node)

    def negate(self, node):
        if self.kind == "negated" and not self.done:
            self.done = True
            node.test = ast.UnaryOp(ast.Not(), node.test)
            return node
        return self.generic_visit(node)

    def visit_Constant(self, node):
        if self.kind == "off_by_one" and not self.done and type(node.value) is int:
            self.done = True
            return ast.Constant(node.value + 1)
        return node


def without_a_line(function):
    """The last statement of the body that does something and is not the only one."""
    lines = [line for line in function.body
             if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))]
    if not lines:
        return False
    function.body.remove(lines[-1])
    function.body = function.body or [ast.Pass()]
    return True


def mutant(code, entry_point, kind, number):
    tree = ast.parse(code)
    function = next((node for node in tree.body if getattr(node, "name", None) == entry_point), None)
    if not isinstance(function, ast.FunctionDef):
        return None
    if kind == "constant":
        function.body = [ast.Return(ast.Constant((None, 0, True, "", -1)[number % 5]))]
    elif kind == "exception":
        function.body.insert(0, ast.parse("raise ValueError('mutant')").body[0])
    elif kind == "removed_line":
        if not without_a_line(function):
            return None
    else:
        mutation = Mutation(kind)
        function.body = [mutation.visit(line) for line in function.body]
        if not mutation.done:
            return None
    return ast.unparse(ast.fix_missing_locations(tree))


def score(command, records):
    lines = "".join(json.dumps(record) + "\n" for record in records)
    run = subprocess.run(shlex.split(command), input=lines, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def close(found, expected, tolerance):
    if isinstance(expected, float) and isinstance(found, (int, float)):
        return found == expected or abs(found - expected) <= tolerance * max(1, abs(expected))
    if isinstance(expected, (list, tuple)) and isinstance(found, (list, tuple)):
        return len(found) == len(expected) and all(close(*pair, tolerance) for pair in zip(found, expected))
    return found == expected


def calls_agree(code, tests):
    """In a process of its own, whether the function returns what the tests expect; None where that took too long."""
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(60)
            names = {}
            exec(code, names)
            agrees = all(close(names[tests["function"]](*untagged(case["args"])), untagged(case["expected"]),
                               tests["tolerance"]) for case in tests["cases"])
        except BaseException:
            agrees = False
        os._exit(0 if agrees else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return None if status < 0 else status == 0


def passes_in_plain_python(code, tests):
    if tests["kind"] == "call":
        return calls_agree(code, tests)
    program = f"{code}\n{tests['setup']}\n{tests['code']}\n"
    try:
        return subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def run_suite(name, tasks, command):
    records = [{"id": task, "completion": f"```python\n{code}\n```", "tests": tests} for task, code, _, tests in tasks]
    verdicts = score(command, records)
    failed = {verdict["id"]: verdict["reason"] for verdict in verdicts if verdict["score"] != 1}
    print(json.dumps({"suite": name, "solutions": len(records), "passed": len(records) - len(failed),
                      "failed": failed}), flush=True)
    mutants = []
    for number, (task, code, entry_point, tests) in enumerate(tasks):
        for kind in KINDS:
            changed = mutant(code, entry_point, kind, number)
            if changed is not None:
                mutants.append({"id": f"{task} {kind}", "kind": kind, "code": changed, "tests": tests,
                                "completion": f"```python\n{changed}\n```"})
    verdicts = score(command, [{key: one[key] for key in ("id", "completion", "tests")} for one in mutants])
    for one, verdict in zip(mutants, verdicts):
        one["passed"] = verdict["score"] == 1
        one["status"] = verdict["status"]
    survivors = [one for one in mutants if one["passed"]]
    plain = {one["id"]: passes_in_plain_python(one["code"], one["tests"]) for one in survivors}
    print(json.dumps({
        "suite": name, "mutants": len(mutants), "errors": [one["id"] for one in mutants if one["status"] != "scored"],
        "passed": {kind: sum(one["kind"] == kind for one in survivors) for kind in KINDS},
        "passed_but_not_in_plain_python": [task for task, fine in plain.items() if fine is False],
        "passed_unverified": [task for task, fine in plain.items() if fine is None]}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--humaneval")
    parser.add_argument("--humanevalplus")
    parser.add_argument("--mbpp")
    parser.add_argument("--score", default="./grpo score --reward code_tests --set seconds=10")
    arguments = parser.parse_args()
    sys.set_int_max_str_digits(0)
    for name, load in (("humaneval", human_eval), ("humanevalplus", human_eval_plus), ("mbpp", mbpp)):
        path = getattr(arguments, name)
        if path:
            run_suite(name, list(load(path)), arguments.score)


if __name__ == "__main__":
    main()
