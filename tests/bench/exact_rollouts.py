#!/usr/bin/env python3
"""Whether rollouts are exact: the same completions and the learner's very log-probs in every setting.

    python tests/bench/exact_rollouts.py --program build/release/grpo [--tokens 200000] POLICY …

Each POLICY (a folder or a GGUF file) samples the same prompts with the same seed in many settings: completions at a time
(1 to 64), prompts in chunks, a cache that runs out, prompts that come one by one, guesses ahead, one thread and two.
Compares the digest of all tokens and log-probs between settings, and every log-prob with the learner's
recomputation. Settings go round until as many tokens are compared. Then the cost: rates of exact and fast numerics,
alternating. Prints a JSON line for each run and a summary for each policy; exit code 1 where anything differs.
"""
import argparse
import json
import statistics
import subprocess
import sys

PROMPTS, GROUP, PROMPT_TOKENS, NEW_TOKENS = 8, 8, 64, 128
LONGEST = PROMPT_TOKENS + NEW_TOKENS
SETTINGS = [
    {},
    {"threads": 1},
    {"max-sequences": 1, "prompts": 2, "group": 2},
    {"max-sequences": 7},
    {"max-sequences": 32, "max-prompt-tokens": 17},
    {"max-prompt-tokens": 5, "threads": 1},
    {"cache-tokens": 6 * LONGEST},
    {"cache-tokens": 3 * LONGEST, "max-prompt-tokens": 48, "threads": 1},
    {"stagger-ms": 30},
    {"stagger-ms": 10, "cache-tokens": 9 * LONGEST, "max-sequences": 24},
    {"draft-tokens": 4, "max-sequences": 8},
]


def run(program, policy, dtype, seed, setting, numerics="exact"):
    options = {"prompts": PROMPTS, "group": GROUP, "prompt-tokens": PROMPT_TOKENS, "new-tokens": NEW_TOKENS,
               "threads": 2, "dtype": dtype, "seed": seed, "numerics": numerics, **setting}
    command = [program, "bench", "rollout", "--policy", policy]
    command += [word for name, value in options.items() for word in (f"--{name}", str(value))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def check(program, policy, dtype, tokens):
    """Differences found over at least this many tokens."""
    compared = mismatches = different = 0
    seed = 0
    while compared < tokens:
        seed += 1
        digests = {}
        for setting in SETTINGS:
            record = run(program, policy, dtype, seed, setting)
            shape = (record["prompts"], record["group"])
            digest = digests.setdefault(shape, record["completions_sha256"])
            different += digest != record["completions_sha256"]
            compared += record["compared_tokens"]
            mismatches += record["mismatch_tokens"]
            print(json.dumps({"policy": policy, "dtype": dtype, "seed": seed, "setting": setting,
                              **{key: record[key] for key in (
                                  "compared_tokens", "mismatch_tokens", "preemptions", "recomputed_tokens",
                                  "accepted_tokens", "mean_decode_batch", "completions_sha256")}}), flush=True)
            if compared >= tokens and seed > 1:
                break
    return {"compared_tokens": compared, "mismatch_tokens": mismatches, "settings_that_differ": different}


def cost(program, policy, dtype, rounds):
    rates = {"exact": [], "fast": []}
    for _ in range(rounds):
        for numerics, found in rates.items():
            found.append(run(program, policy, dtype, 1, {}, numerics)["tokens_per_second"])
    return {f"{numerics}_tokens_per_second": statistics.median(found) for numerics, found in rates.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="the grpo program")
    parser.add_argument("--tokens", type=int, default=200_000, help="to compare, for each policy and type")
    parser.add_argument("--dtypes", default="fp32,bf16")
    parser.add_argument("--rounds", type=int, default=3, help="of exact and fast numerics for the cost; 0: none")
    parser.add_argument("policies", metavar="POLICY", nargs="+")
    arguments = parser.parse_args()
    wrong = False
    for policy in arguments.policies:
        for dtype in arguments.dtypes.split(","):
            summary = check(arguments.program, policy, dtype, arguments.tokens)
            wrong |= summary["mismatch_tokens"] > 0 or summary["settings_that_differ"] > 0
            if arguments.rounds > 0:
                summary |= cost(arguments.program, policy, dtype, arguments.rounds)
            print(json.dumps({"summary": True, "policy": policy, "dtype": dtype, **summary}), flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
