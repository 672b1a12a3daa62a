#!/usr/bin/env python3
"""What hostile answers cost the checker math_answer: a line of JSON with the slowest pairs and the memory.

Towers of powers, factorials, sums, binomials, expansions, deep nesting, long lists, matrices, rows of signs and of digits,
text cut off in the middle: each as the answer to an ordinary truth, as the truth of an ordinary answer, and against a
twin that differs in one place, so that the comparison itself must work. Each pair is judged --repeats times, and its
median counts: a machine's pauses are not the checker's. Ends with 1 where a pair took more than --limit milliseconds or
the program --memory more MiB than it takes for one easy answer.

  math_hostile.py --score './grpo score --reward math_answer' [--repeats 5]
"""

import argparse
import collections
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile

LENGTHS = (10, 100, 1000, 10000, 100000)


def nested(opening, inner, closing):
    return lambda n: opening * n + inner + closing * n


def joined(separator, item):
    return lambda n: separator.join([item] * n)


def fractions(n):
    text = "x"
    for _ in range(min(n, 1000)):
        text = f"2\\frac{{{text}}}{{3}}"
    return text


GROWING = {
    "parentheses": nested("(", "3", ")"), "only_opened": nested("(", "3", ""), "left_right": nested("\\left(", "x", "\\right)"),
    "roots": nested("\\sqrt{", "2", "}"), "powers": nested("9^{", "9", "}"), "powers_of_variables": nested("x^{", "x", "}"),
    "text": nested("\\text{", "a", "}"), "boxes": nested("\\boxed{", "3", "}"), "bars": nested("|", "x", "|"),
    "sines": nested("\\sin(", "x", ")"), "factorials": nested("(", "3", ")!"), "fractions": fractions,
    "nested_fractions": nested("\\frac{1}{1+", "x", "}"), "logarithms": nested("\\log(", "7", ")"),
    "minus_signs": lambda n: "-" * n + "3", "plus_signs": lambda n: "+" * n + "3", "plus_minus": lambda n: "\\pm " * n + "3",
    "plus_minus_sum": joined("\\pm", "x"), "digits": lambda n: "7" * n, "decimals": lambda n: "0." + "7" * n,
    "exponent": lambda n: "1e" + "9" * n, "list": joined(",", "x"), "numbers": lambda n: ",".join(map(str, range(n))),
    "set": lambda n: "\\{" + ",".join(map(str, range(n))) + "\\}", "union": joined("\\cup", "(1,2)"),
    "matrix": lambda n: "\\begin{pmatrix}" + "1&2\\\\" * n + "\\end{pmatrix}", "sum": joined("+", "x"),
    "product_of_sums": joined("", "(x+1)"), "product_of_roots": joined("", "(\\sqrt2+x)"),
    "sum_of_roots": lambda n: "+".join(f"\\sqrt{{{k}}}" for k in range(2, n + 2)),
    "sum_of_sines": lambda n: "+".join(f"\\sin {k}" for k in range(1, n + 1)),
    "sum_of_letters": lambda n: "+".join(f"{'abcdefgh'[k % 8]}^{{{k}}}" for k in range(n)),
    "product_of_letters": lambda n: "".join(f"(a+b^{{{k}}})" for k in range(n)), "relations": joined("=", "x"),
    "inequalities": joined("<", "x"), "ands": joined(" and ", "3"), "ors": joined(" or ", "x=3"), "dollars": lambda n: "$" * n,
    "backslashes": lambda n: "\\" * n, "braces": lambda n: "{}" * n, "unknown_commands": joined("", "\\foo"),
    "units": joined(" ", "meters"), "percent": lambda n: "3" + "\\%" * n, "percent_in_parentheses": nested("(", "3", "\\%)"),
    "degrees": lambda n: "3" + "^\\circ" * n, "percent_and_degrees": lambda n: "3" + "\\%^\\circ" * n,
    "bare_factorials": lambda n: "3" + "!" * n, "negations": nested("-(", "3", ")"), "absolutes": nested("\\left|", "-3", "\\right|"),
    "mixed": lambda n: "(3^\\circ)\\%" * n, "primes": lambda n: "x" + "'" * n,
    "subscripts": nested("x_{", "1", "}"), "spaces": lambda n: " " * n + "3", "bytes": lambda n: "\ufffd" * n,
}
FIXED = ["9^{9^{9^9}}", "10^{10^{10}}", "2^{10^{11}}", "(10^9)!", "((10^5)!)!", "\\binom{10^9}{5\\cdot 10^8}", "e^{e^{e^{e^9}}}",
         "\\sum_{k=1}^{10^{12}}\\frac1k", "\\prod_{k=1}^{10^{9}}k", "(x+y+z+w)^{10000}", "(1+\\sqrt2)^{100000}", "x^{10^{18}}-1",
         "\\int_0^{10^9}e^{-x^2}dx", "\\lim_{n\\to\\infty}(1+1/n)^n", "\\cos(10^{1000})", "\\pi^{\\pi^{\\pi^{\\pi}}}", "0.1^{10^9}",
         "\\sqrt[1000000]{2}", "\\log_{10}(10^{10^{9}})", "1/(10^{-400})", "\\frac{1}{10^{10^5}}", "1e999999999", "i^{i^{i^i}}",
         "(-1)^{10^{30}}", "\\sin(\\sin(\\sin(10^{300})))", "1e-999999999999", "(x+1)^{2000}-(x-1)^{2000}"]


def pairs():
    for name, make in GROWING.items():
        for length in LENGTHS:
            text, twin = make(length), make(length + 1)
            yield f"{name} {length}", "3", text
            yield f"{name} {length} as truth", text, "3"
            yield f"{name} {length} against one more", text, twin
    for text in FIXED:
        yield text, "3", text
        yield f"{text} as truth", text, "3"
        yield f"{text} against one more", text, f"{text}+1"


def judge(command, named):
    """The verdicts, and the largest resident size in MiB."""
    lines = "".join(json.dumps({"id": i, "answer": truth, "completion": answer}) + "\n"
                    for i, (_, truth, answer) in enumerate(named))
    with tempfile.TemporaryFile("w+") as records:
        records.write(lines)
        records.seek(0)
        with subprocess.Popen(shlex.split(command), stdin=records, stdout=subprocess.PIPE, text=True) as program:
            output = program.stdout.read()
            _, status, usage = os.wait4(program.pid, 0)
            program.returncode = os.waitstatus_to_exitcode(status)
    if program.returncode != 0:
        sys.exit(f"{command}: status {program.returncode}")
    return [json.loads(line) for line in output.splitlines()], usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--score", required=True)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit", type=float, default=5, help="milliseconds")
    parser.add_argument("--memory", type=float, default=64, help="MiB")
    arguments = parser.parse_args()
    # Each alone, as a program that reads them all keeps many lines at a time; and first, while this process is small: a
    # child's largest size begins with its parent's.
    _, easy = judge(arguments.score, [("easy", "3", "3")])
    peak, greediest = max((judge(arguments.score, [pair])[1], pair[0]) for pair in pairs())
    named = list(pairs())
    times, statuses = collections.defaultdict(list), collections.Counter()
    for _ in range(arguments.repeats):
        records, _ = judge(arguments.score, named)
        for (name, _, _), record in zip(named, records, strict=True):
            times[name].append(record["microseconds"] / 1000)
            statuses[record["status"]] += 1
    slowest = sorted(((statistics.median(runs), name) for name, runs in times.items()), reverse=True)
    print(json.dumps({"pairs": len(named), "statuses": statuses, "slowest_ms": round(slowest[0][0], 3),
                      "slowest": [[name[:60], round(ms, 3)] for ms, name in slowest[:5]],
                      "memory_mib": round(peak - easy, 1), "most_memory": greediest[:60]}))
    sys.exit(slowest[0][0] > arguments.limit or peak - easy > arguments.memory)


if __name__ == "__main__":
    main()
