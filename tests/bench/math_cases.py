#!/usr/bin/env python3
"""Cases of mathematical equivalence through the checker math_answer.

A case is a line of JSON: gold, pred, expected (0 or 1), perhaps form ("bare": pred is an answer; else a response),
policy (cases with one are left out: they are about another grader's conventions) and the settings of Math-Verify's own
tests (float_rounding, strict, allow_set_relation_comp), which become the checker's. Prints a line of JSON for each file
and every case judged otherwise, with the checker's reason; ends with 1 where a wrong answer was called right.

  math_cases.py --score './grpo score --reward math_answer' CASES.jsonl …
"""

import argparse
import collections
import json
import pathlib
import shlex
import subprocess
import sys


def options(case):
    """The checker's settings for a case."""
    found = []
    if case.get("form") == "bare":
        found.append("extract=none")
    if case.get("float_rounding", 6) < 6:
        found += ["precision=relative", f"tolerance={10.0 ** -case['float_rounding']}"]
    if case.get("strict") is False:
        found.append("variable_names=false")
    if case.get("allow_set_relation_comp") is False:
        found.append("inequality_for_interval=false")
    return tuple(found)


def judge(command, settings, cases):
    words = shlex.split(command) + [word for setting in settings for word in ("--set", setting)]
    lines = "".join(json.dumps({"id": i, "completion": case["pred"], "answer": case["gold"]}) + "\n"
                    for i, case in enumerate(cases))
    run = subprocess.run(words, input=lines, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--score", required=True)
    parser.add_argument("files", metavar="CASES", nargs="+")
    arguments = parser.parse_args()
    false_positives = 0
    for path in map(pathlib.Path, arguments.files):
        cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        by_settings = collections.defaultdict(list)
        for case in cases:
            if case.get("policy") is None and case.get("kind", "verify") == "verify":
                by_settings[options(case)].append(case)
        counts = collections.Counter(true_positives=0, false_positives=0, true_negatives=0, false_negatives=0)
        others = []
        for settings, some in by_settings.items():
            for case, verdict in zip(some, judge(arguments.score, settings, some)):
                right, expected = verdict["score"] == 1, int(case["expected"]) == 1
                counts[f"{'true' if right == expected else 'false'}_{'positives' if right else 'negatives'}"] += 1
                if right != expected:
                    others.append({key: case[key] for key in ("id", "gold", "pred", "expected")}
                                  | {"score": verdict["score"], "reason": verdict["reason"]})
        false_positives += counts["false_positives"]
        print(json.dumps({"file": path.name, **counts}))
        for other in others:
            print(json.dumps(other, ensure_ascii=False))
    return 1 if false_positives else 0


if __name__ == "__main__":
    sys.exit(main())
