#!/usr/bin/env python3
"""Stored completions of Qwen2.5-Math on MATH, with the verdicts of its own grader, through `grpo eval`: JSON lines.

    python3 tests/bench/qwen_traces.py math_cot.jsonl

The file is evaluation/data/eval_rm_maj_example/math_cot_100.jsonl of QwenLM/Qwen2.5-Math, or its first lines: eight
completions of each problem in "code", verdicts in "score". Prints each completion that is judged otherwise, then counts.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).parents[2]
SUITE = """
name = "traces"
title = "Stored traces"
[data]
file = "problems.jsonl"
origin = "QwenLM/Qwen2.5-Math"
licence = "not stated"
[record]
fields = ["idx: number", "question: text", "gt: text"]
id = "{{ idx }}"
prompt = "{{ question }}"
answer = "{{ gt }}"
level = "{{ level }}"
metadata = "{}"
[[reward]]
name = "math_answer"
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", type=pathlib.Path)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build" / "release" / "grpo")
    arguments = parser.parse_args()
    records = [json.loads(line) for line in arguments.traces.read_text().splitlines()]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "problems.jsonl").write_text(arguments.traces.read_text())
        (folder / "traces.toml").write_text(SUITE)
        (folder / "completions.jsonl").write_text("".join(
            json.dumps({"id": str(record["idx"]), "completion": text}) + "\n"
            for record in records for text in record["code"]))
        subprocess.run([arguments.program, "eval", "--suite", folder / "traces.toml", "--data", folder, "--completions",
                        folder / "completions.jsonl", "--out", folder / "out"], check=True, capture_output=True)
        samples = [json.loads(line) for line in (folder / "out/traces/samples-0-of-1.jsonl").read_text().splitlines()]
    graded = {(str(record["idx"]), number): bool(score)
              for record in records for number, score in enumerate(record["score"])}
    agree = 0
    for sample in samples:
        theirs = graded[sample["name"], sample["sample"]]
        agree += theirs == sample["correct"]
        if theirs != sample["correct"]:
            record = next(one for one in records if str(one["idx"]) == sample["name"])
            print(json.dumps({"problem": sample["name"], "sample": sample["sample"], "answer": sample["answer"],
                              "their_extraction": record["pred"][sample["sample"]], "theirs": theirs,
                              "ours": sample["correct"], "reasons": sample["reasons"],
                              "end": sample["completion"][-160:]}))
    print(json.dumps({"completions": len(samples), "agree": agree, "right_by_theirs": sum(graded.values()),
                      "right_by_ours": sum(sample["correct"] for sample in samples)}))


if __name__ == "__main__":
    main()
