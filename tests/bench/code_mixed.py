#!/usr/bin/env python3
"""Honest and hostile programs mixed, through the checker code_tests, in several orders and by several threads.

One check in ten is an attack of tests/reward/code/attacks; of the others two in three are right and one is wrong. Right
ones must score 1, all others 0, in every order and for every number of threads. Prints a line of JSON for each run, and
ends with 1 where a verdict was another one.

  code_mixed.py --score './grpo score --reward code_tests --set seconds=3' [--checks 2000]
"""

import argparse
import json
import os
import pathlib
import random
import shlex
import subprocess
import sys
import tempfile
import time

ATTACKS = pathlib.Path(__file__).resolve().parents[1] / "reward" / "code" / "attacks"
SECRET = "xyzzy-0123456789abcdef"
TASKS = [
    ("clamp", "def clamp(x, low, high):\n    return max(low, min(x, high))", "def clamp(x, low, high):\n    return x",
     [([5, 0, 3], 3), ([-1, 0, 3], 0), ([2, 0, 3], 2)]),
    ("count_vowels", "def count_vowels(text):\n    return sum(letter in 'aeiou' for letter in text)",
     "def count_vowels(text):\n    return len(text)", [(["banana"], 3), ([""], 0), (["sky"], 0)]),
    ("digits", "def digits(n):\n    return [int(digit) for digit in str(n)]", "def digits(n):\n    return [n]",
     [([120], [1, 2, 0]), ([7], [7]), ([10], [1, 0])]),
]


def fenced(code):
    return f"```python\n{code}\n```"


def checks(count, world):
    attacks = sorted(ATTACKS.glob("*.py"))
    for i in range(count):
        if i % 10 == 0:
            tests = {"kind": "call", "function": "solve", "cases": [{"args": [world], "expected": SECRET}]}
            yield {"id": i, "completion": fenced(attacks[i // 10 % len(attacks)].read_text()), "tests": tests}, 0
            continue
        name, right, wrong, cases = TASKS[i % len(TASKS)]
        tests = {"kind": "call", "function": name,
                 "cases": [{"args": args, "expected": value} for args, value in cases]}
        is_right = i // 10 % 3 != 0
        yield {"id": i, "completion": fenced(right if is_right else wrong), "tests": tests}, int(is_right)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--score", required=True)
    parser.add_argument("--checks", type=int, default=2000)
    parser.add_argument("--tiers", default="namespaces,landlock")
    parser.add_argument("--threads", default="1,2,4")
    arguments = parser.parse_args()
    all_right = True
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        secret = pathlib.Path(folder, "secret")
        secret.write_text(SECRET)
        world = {"file": str(secret), "folder": folder, "port": 9, "pid": os.getpid()}
        expected = list(checks(arguments.checks, world))
        truth = {record["id"]: score for record, score in expected}
        for tier in arguments.tiers.split(","):
            for order, threads in enumerate(map(int, arguments.threads.split(","))):
                records = [record for record, _ in expected]
                random.Random(order).shuffle(records)
                command = shlex.split(arguments.score) + ["--set", f"tier={tier}", "--set", f"scorer.threads={threads}"]
                start = time.monotonic()
                run = subprocess.run(command, input="".join(json.dumps(record) + "\n" for record in records),
                                     stdout=subprocess.PIPE, text=True, check=True)
                seconds = time.monotonic() - start
                verdicts = [json.loads(line) for line in run.stdout.splitlines()]
                in_order = [verdict["id"] for verdict in verdicts] == [record["id"] for record in records]
                other = [verdict for verdict in verdicts if verdict["score"] != truth[verdict["id"]]]
                all_right = all_right and in_order and not other
                print(json.dumps({"tier": tier, "threads": threads, "order": order, "checks": len(verdicts),
                                  "in_order": in_order, "other_verdicts": len(other), "examples": other[:3],
                                  "seconds": round(seconds, 1),
                                  "files_left": sorted(set(os.listdir(folder)) - {"secret"})}), flush=True)
    return 0 if all_right else 1


if __name__ == "__main__":
    sys.exit(main())
