#!/usr/bin/env python3
"""The quickstart with other algorithms, from one cold start: JSON lines, one for each run.

    python3 tests/bench/algorithms.py [--seed 1] [--threshold 0.85] [NAME …]

A NAME is an algorithm (grpo, dr_grpo, dapo, gspo, cispo, rloo by default), or one of the settings of --lagging below. The
cold start runs once; every algorithm goes on from its policy for 100 steps, evaluated on held-out problems every 5 steps
(mean@8). `steps` and `seconds` are those until the first evaluation that reaches the threshold, evaluations left out.

--lagging runs, in the place of algorithms, one (dapo) whose rollouts come from the policy of 4 steps before, with two
updates a step, and each setting that is there for that: without anything, with ratios to the learner's own policy, with
truncated importance sampling, with the rollouts' experts replayed, and with a selection bias that follows the load, the
experts replayed or not.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[2]
QUICKSTART = ROOT / "recipes" / "quickstart.toml"
ALGORITHMS = ["grpo", "dr_grpo", "dapo", "gspo", "cispo", "rloo"]
LAGGING = {
    "lag_0": ["grpo.rollout_lag=0"],
    "lag_4": [],
    "lag_4_own_ratios": ["grpo.off_policy.recompute_old=true"],
    "lag_4_tis": ["grpo.off_policy.recompute_old=true", "grpo.off_policy.correction=tis"],
    "lag_4_icepop": ["grpo.off_policy.recompute_old=true", "grpo.off_policy.correction=icepop"],
    "lag_4_replay": ["grpo.replay_routing=true"],
    "lag_4_tis_replay": ["grpo.off_policy.recompute_old=true", "grpo.off_policy.correction=tis",
                         "grpo.replay_routing=true"],
    "lag_4_moving_bias": ["grpo.router.bias=rollouts", "grpo.router.bias_rate=0.01"],
    "lag_4_moving_bias_replay": ["grpo.router.bias=rollouts", "grpo.router.bias_rate=0.01",
                                 "grpo.replay_routing=true"],
}


def train(recipe, folder, overrides):
    command = [ROOT / "build" / "release" / "grpo", "train", recipe]
    for override in overrides + [f"run.dir={folder}"]:
        command += ["--set", override]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def without_shape(recipe, folder):
    """The recipe for a policy that is there: without the shape of a random one."""
    text = re.sub(r"\[policy\.config\][^\[]*", "", recipe.read_text())
    copy = pathlib.Path(folder, "recipe.toml")
    copy.write_text(text)
    return copy


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(name, overrides, recipe, cold, folder, arguments):
    train(recipe, folder, [f"policy.path={cold}", 'run.stages=["grpo","eval"]', f"run.seed={arguments.seed}",
                   f"eval.every_steps={arguments.every}", "eval.every_problems=320", "checkpoint.every_steps=0"]
          + overrides + arguments.set)
    metrics, timings = lines(folder / "metrics.jsonl"), lines(folder / "timings.jsonl")
    evaluations = {record["step"]: record["eval/during/mean@8"] for record in metrics if "eval/during/mean@8" in record}
    reached = min((step for step, rate in evaluations.items() if rate >= arguments.threshold), default=None)
    seconds = [record["time/step"] for record in timings if record["stage"] == "grpo"]
    steps = [record for record in metrics if record["stage"] == "grpo"]
    summary = json.loads((folder / "summary.json").read_text())

    def mean(key):
        return sum(record.get(key, 0) for record in steps) / len(steps)

    print(json.dumps({
        "run": name, "seed": arguments.seed, "steps": reached,
        "seconds": reached and round(sum(seconds[:reached]), 1), "step_seconds": round(sum(seconds) / len(seconds), 3),
        "before": summary["before"]["overall"], "after": summary["after"]["overall"],
        "evaluations": [round(rate, 4) for _, rate in sorted(evaluations.items())],
        "clipped": round(mean("clip_ratio/region_mean"), 4), "behavior_kl": round(mean("actor/ppo_kl"), 5),
        "routing_agreement": round(mean("routing/agreement"), 4),
        "max_violation": round(mean("router/max_violation"), 3)}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--lagging", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threshold", type=float, default=0.85)
    parser.add_argument("--every", type=int, default=5, help="steps between evaluations")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="in every run")
    parser.add_argument("--cold", type=pathlib.Path, help="the policy of a cold start that was run before")
    arguments = parser.parse_args()
    settings = LAGGING if arguments.lagging else {name: [f"grpo.algorithm={name}"] for name in ALGORITHMS}
    unknown = [name for name in arguments.names if name not in settings]
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; known: {', '.join(settings)}")
    with tempfile.TemporaryDirectory() as folder:
        cold = arguments.cold
        if cold is None:
            train(QUICKSTART, pathlib.Path(folder, "cold"), ['run.stages=["sft"]', f"run.seed={arguments.seed}",
                                                 "eval.problems=0"])
            cold, = pathlib.Path(folder, "cold", "checkpoints").glob("step-950")
        recipe = without_shape(QUICKSTART, folder)
        for name in arguments.names or settings:
            overrides = settings[name]
            if arguments.lagging:
                overrides = ["grpo.updates_per_step=2", "grpo.rollout_lag=4"] + overrides
            run(name, overrides, recipe, cold.absolute(), pathlib.Path(folder, name), arguments)


if __name__ == "__main__":
    main()
