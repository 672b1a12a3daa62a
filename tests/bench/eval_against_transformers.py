#!/usr/bin/env python3
"""`grpo eval` beside transformers' generate(): the same policy, prompts, token limit and checkers, greedy. JSON lines.

    python3 tests/bench/eval_against_transformers.py --transformers PYTHON --data DATA --suite gsm8k --limit 200 POLICY

POLICY is a Hugging Face folder with a chat template; PYTHON has torch and transformers. First `grpo eval` samples and
judges; then transformers completes the same prompts, as chats, in batches sorted by length, and `grpo eval
--completions` judges what it gave. `seconds` are those of the whole `grpo eval`, reading the policy and judging included,
and of transformers' generate() calls alone. `agreement` is the share of problems with the same verdict;
`same_completions` that of completions that are equal to the letter.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[2]


def generate_child(options):
    """In a process of its own, which has transformers."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(options["threads"])
    tokenizer = AutoTokenizer.from_pretrained(options["policy"], padding_side="left")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    dtype = torch.bfloat16 if options["dtype"] == "bf16" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(options["policy"], dtype=dtype).eval()
    chats = [tokenizer.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True,
                                           return_dict=True)["input_ids"] for prompt in options["prompts"]]
    order = sorted(range(len(chats)), key=lambda i: len(chats[i]))
    completions, seconds = [None] * len(chats), 0
    for begin in range(0, len(order), options["batch"]):
        part = order[begin:begin + options["batch"]]
        inputs = tokenizer.pad({"input_ids": [chats[i] for i in part]}, return_tensors="pt")
        start = time.perf_counter()
        with torch.inference_mode():
            output = model.generate(**inputs, max_new_tokens=options["new_tokens"], do_sample=False, temperature=None,
                                    top_p=None, top_k=None)
        seconds += time.perf_counter() - start
        for i, text in zip(part, tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1]:],
                                                        skip_special_tokens=True)):
            completions[i] = text
    print(json.dumps({"completions": completions, "seconds": seconds}))


def samples_of(folder):
    lines = (folder / "samples-0-of-1.jsonl").read_text(encoding="utf-8").splitlines()
    return {record["name"]: record for record in map(json.loads, lines)}


def main():
    if sys.argv[1:2] == ["--child"]:
        generate_child(json.loads(pathlib.Path(sys.argv[2]).read_text(encoding="utf-8")))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policy", type=pathlib.Path)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build" / "release" / "grpo")
    parser.add_argument("--transformers", required=True, metavar="PYTHON")
    parser.add_argument("--data", required=True)
    parser.add_argument("--suite", required=True)
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--new-tokens", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=16, help="of transformers")
    parser.add_argument("--dtype", choices=["fp32", "bf16"], default="fp32", help="of transformers")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        command = [arguments.program, "eval", "--suite", arguments.suite, "--data", arguments.data, "--limit",
                   str(arguments.limit), "--threads", str(arguments.threads), "--set",
                   f"sampling.max_new_tokens={arguments.new_tokens}"]
        start = time.perf_counter()
        subprocess.run([*command, "--policy", arguments.policy, "--out", folder / "ours"], check=True,
                       stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        ours = samples_of(folder / "ours" / arguments.suite)
        options = {"policy": str(arguments.policy), "prompts": [record["prompt"] for record in ours.values()],
                   "new_tokens": arguments.new_tokens, "threads": arguments.threads, "batch": arguments.batch,
                   "dtype": arguments.dtype}
        (folder / "options.json").write_text(json.dumps(options), encoding="utf-8")
        run = subprocess.run([arguments.transformers, __file__, "--child", folder / "options.json"], check=True,
                             stdout=subprocess.PIPE, text=True)
        given = json.loads(run.stdout.splitlines()[-1])
        (folder / "theirs.jsonl").write_text("".join(
            json.dumps({"id": name, "completion": text}) + "\n"
            for name, text in zip(ours, given["completions"])), encoding="utf-8")
        subprocess.run([*command, "--completions", folder / "theirs.jsonl", "--out", folder / "theirs"], check=True,
                       stdout=subprocess.DEVNULL)
        theirs = samples_of(folder / "theirs" / arguments.suite)
    for name, record in ours.items():
        if record["correct"] != theirs[name]["correct"]:
            print(json.dumps({"problem": name, "ours": record["reasons"], "theirs": theirs[name]["reasons"]}))
    problems = len(ours)
    print(json.dumps({
        "suite": arguments.suite, "problems": problems, "seconds": round(seconds, 1),
        "transformers_seconds": round(given["seconds"], 1), "ratio": round(given["seconds"] / seconds, 2),
        "right": sum(record["correct"] for record in ours.values()),
        "transformers_right": sum(record["correct"] for record in theirs.values()),
        "agreement": sum(ours[name]["correct"] == theirs[name]["correct"] for name in ours) / problems,
        "same_completions": sum(ours[name]["completion"].strip() == theirs[name]["completion"].strip()
                                for name in ours) / problems}))


if __name__ == "__main__":
    main()
