"""Encoding speed beside the `tokenizers` package, one core each: prints a line of JSON for each tokenizer and text.

    ninja -C build/release tokenizer_speed
    taskset -c 0 venv/bin/python tests/bench/tokenizer_speed.py FOLDER [ROUNDS]

FOLDER is what tests/golden/make_tokenizer_comparison.py has written (it says what the venv needs). Two texts: the
lines of cases.jsonl (short, of many scripts), and English with code in documents of 20 kB. Each round runs both
programs, one after the other; the figures are medians of the rounds, in megabytes of UTF-8 a second. `tokenizers` runs
its fastest call, encode_batch_fast, and encode besides; each process encodes the texts once before it is timed.
"""

import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = ROOT / "build" / "release" / "tests" / "bench" / "tokenizer_speed"


def documents():
    """The repository's own prose and code, cut into pieces that are shuffled, in documents of 20 kB."""
    generator = random.Random(1)
    paths = sorted([*ROOT.glob("*/*.cc"), *ROOT.glob("*/*.h"), *ROOT.glob("*/README.md"), *ROOT.glob("tests/*/*.py")])
    pieces = [piece for path in paths for piece in path.read_text(encoding="utf-8").split("\n\n")]
    texts = []
    for _ in range(100):
        text = ""
        while len(text) < 20_000:
            text += generator.choice(pieces) + "\n\n"
        texts.append(text)
    return texts


def lines(folder):
    cases = [json.loads(line) for line in open(folder / "cases.jsonl", encoding="utf-8")]
    return [case["text"] for case in cases if "text" in case][:20_000]


def theirs(tokenizer_path, texts_path):
    """Run in a process of its own: seconds of encode_batch_fast and of encode, and the tokens."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(tokenizer_path)
    texts = [json.loads(line) for line in open(texts_path, encoding="utf-8")]
    result = {}
    for name, encode in {
        "encode_batch_fast": lambda: tokenizer.encode_batch_fast(texts, add_special_tokens=False),
        "encode": lambda: [tokenizer.encode(text, add_special_tokens=False) for text in texts],
    }.items():
        encode()
        start = time.perf_counter()
        encodings = encode()
        result[name] = time.perf_counter() - start
    result["tokens"] = sum(len(encoding.ids) for encoding in encodings)
    print(json.dumps(result))


def run(command):
    environment = dict(os.environ, TOKENIZERS_PARALLELISM="false", RAYON_NUM_THREADS="1")
    return json.loads(subprocess.run(command, check=True, capture_output=True, env=environment).stdout)


def compare(name, tokenizer_path, kind, texts, rounds):
    seconds = {"grpo": [], "encode_batch_fast": [], "encode": []}
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.writelines(json.dumps(text) + "\n" for text in texts)
        file.flush()
        for _ in range(rounds):
            ours = run([PROGRAM, tokenizer_path, file.name, "2"])
            other = run([sys.executable, __file__, "--theirs", tokenizer_path, file.name])
            assert ours["tokens"] == other["tokens"], (ours["tokens"], other["tokens"])
            seconds["grpo"].append(ours["seconds"][1])
            seconds["encode_batch_fast"].append(other["encode_batch_fast"])
            seconds["encode"].append(other["encode"])
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    medians = {key: statistics.median(values) for key, values in seconds.items()}
    record = {"tokenizer": name, "text": kind, "megabytes": round(megabytes, 2), "tokens": ours["tokens"]}
    record |= {f"{key}_mb_per_s": round(megabytes / value, 2) for key, value in medians.items()}
    record["times_encode_batch_fast"] = round(medians["encode_batch_fast"] / medians["grpo"], 2)
    print(json.dumps(record), flush=True)


def main():
    if sys.argv[1] == "--theirs":
        return theirs(sys.argv[2], sys.argv[3])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    for folder in sorted(pathlib.Path(sys.argv[1]).iterdir()):
        path = str(folder / "tokenizer.json")
        compare(folder.name, path, "lines", lines(folder), rounds)
        compare(folder.name, path, "documents", documents(), rounds)


if __name__ == "__main__":
    main()
