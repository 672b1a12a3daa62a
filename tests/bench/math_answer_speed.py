"""Judges the same answers by math_answer and by Math-Verify, one after the other, and compares speeds.

    python3 tests/bench/math_answer_speed.py --program build/release/tests/bench/math_answer_bench \
        --gsm8k gsm8k/test.jsonl --math500 math500/test.jsonl

Needs the package math-verify. Prints the program's own figures, then Math-Verify's for the same pairs:
verifications a second of processor time, both sides parsed each time.
"""

import argparse
import json
import subprocess
import time


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def gsm8k_pairs(path):
    for record in read(path):
        number = record["answer"].rsplit("#### ", 1)[1]
        yield f"\\boxed{{{number}}}", f"\\boxed{{{number}}}"


def math500_pairs(path):
    for record in read(path):
        yield f"${record['answer']}$", record["solution"]


def measure(name, pairs):
    from math_verify import parse, verify

    pairs = list(pairs)
    right = 0
    start = time.process_time()
    for truth, completion in pairs:
        right += bool(verify(parse(truth), parse(completion)))
    seconds = time.process_time() - start
    print(f"Math-Verify, {name}: {len(pairs) / seconds:.0f}/s, {right} of {len(pairs)} right")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--gsm8k", required=True)
    parser.add_argument("--math500", required=True)
    arguments = parser.parse_args()
    subprocess.run([arguments.program, arguments.gsm8k, arguments.math500], check=True)
    measure("GSM8K, boxed numbers", gsm8k_pairs(arguments.gsm8k))
    measure("MATH-500, reference solutions", math500_pairs(arguments.math500))


if __name__ == "__main__":
    main()
