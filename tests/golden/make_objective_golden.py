#!/usr/bin/env python3
"""Write objective.json: small GRPO batches with the objective's value, gradient and metrics.

    python make_objective_golden.py [--out FILE]

Everything is in float64, from the formulas above `group_advantages` and `answer`. Gradients come
from autograd and must equal the derivatives written out in `gradient_by_hand`. README.md beside
this file lists the fields.
"""
import argparse
import json
import math
import os

import torch

NUM_GROUPS, GROUP_SIZE, MAX_TOKENS = 3, 4, 6
STD_EPSILON = 1e-4
ADVANTAGES = ("sample_std", "population_std", "no_std")
MIN_CLIP_MARGIN = 1e-3  # no ratio is this close to a bound, where the objective has a corner
# `spread`: how far the policy's log-probs lie from the behaviour's. Groups in `constant` have equal
# rewards; `invalid` lists (group, index).
CASES = [
    dict(name="on_policy", seed=1, spread=0.0, clip_low=0.2, clip_high=0.28, kl_coef=0.0,
         advantage="sample_std", constant=[1], invalid=[(2, 1)]),
    dict(name="clipped_both_ways", seed=15, spread=0.4, clip_low=0.2, clip_high=0.28, kl_coef=0.0,
         advantage="sample_std", constant=[1], invalid=[(2, 1)]),
    dict(name="clipped_with_kl", seed=22, spread=0.4, clip_low=0.2, clip_high=0.28, kl_coef=0.04,
         advantage="sample_std", constant=[1], invalid=[(0, 3), (2, 0)]),
    dict(name="without_std", seed=9, spread=0.4, clip_low=0.1, clip_high=0.1, kl_coef=0.01,
         advantage="no_std", constant=[2], invalid=[(0, 2)]),
    dict(name="one_and_no_valid_sample", seed=1, spread=0.4, clip_low=0.2, clip_high=0.28,
         kl_coef=0.04, advantage="sample_std", constant=[],
         invalid=[(0, 0), (0, 1), (0, 2), (2, 0), (2, 1), (2, 2), (2, 3)]),
    dict(name="wide_bounds", seed=4, spread=1.5, clip_low=0.9, clip_high=10.0, kl_coef=0.1,
         advantage="population_std", constant=[0], invalid=[(1, 2)]),
]


def draw(case):
    """A batch: per sample its group, validity, reward and log-probs [T] of three policies."""
    generator = torch.Generator().manual_seed(case["seed"])

    def normal(count, size):
        return (size * torch.randn(count, generator=generator, dtype=torch.float64)).tolist()

    samples = []
    for group in range(NUM_GROUPS):
        for index in range(GROUP_SIZE):
            length = int(torch.randint(1, MAX_TOKENS + 1, (1,), generator=generator))
            reward = int(torch.randint(0, 5, (1,), generator=generator)) / 4
            behaviour = [-abs(x) - 0.05 for x in normal(length, 1.5)]
            # Rounded to float32, so that a float32 program reads the very same numbers.
            behaviour = torch.tensor(behaviour, dtype=torch.float32).double().tolist()
            noise, other = normal(length, case["spread"]), normal(length, 0.5)
            policy = [min(b + n, -1e-3) for b, n in zip(behaviour, noise)]
            reference = [min(p + n, -1e-3) for p, n in zip(policy, other)]
            samples.append(dict(
                group=group, valid=(group, index) not in case["invalid"],
                reward=0.5 if group in case["constant"] else reward,
                behaviour_logprobs=behaviour,
                policy_logprobs=torch.tensor(policy, dtype=torch.float32).double().tolist(),
                reference_logprobs=torch.tensor(reference, dtype=torch.float32).double().tolist()))
    return samples


def group_advantages(samples, kind):
    """(r - mean) / (std + 1e-4) over a group's valid samples; 0 where fewer than two are valid.

    The squares under std are divided by n - 1 ("sample_std") or n ("population_std"); "no_std" is
    r - mean.
    """
    advantages = [0.0] * len(samples)
    for group in range(NUM_GROUPS):
        valid = [i for i, s in enumerate(samples) if s["group"] == group and s["valid"]]
        if len(valid) < 2:
            continue
        rewards = torch.tensor([samples[i]["reward"] for i in valid], dtype=torch.float64)
        centred = rewards - rewards.mean()
        if kind != "no_std":
            centred = centred / (rewards.std(unbiased=kind == "sample_std") + STD_EPSILON)
        for i, advantage in zip(valid, centred.tolist()):
            advantages[i] = advantage
    return advantages


def flatten(samples, advantages):
    """The valid samples' tokens in one row: log-probs of three policies, advantages."""
    valid = [i for i, s in enumerate(samples) if s["valid"]]

    def join(key):
        values = [x for i in valid for x in samples[i][key]]
        return torch.tensor(values, dtype=torch.float64)

    lengths = [len(samples[i]["policy_logprobs"]) for i in valid]
    advantage = [advantages[i] for i, length in zip(valid, lengths) for _ in range(length)]
    return (join("policy_logprobs"), join("behaviour_logprobs"), join("reference_logprobs"),
            torch.tensor(advantage, dtype=torch.float64))


def answer(case, samples, advantages):
    """loss = mean over all N valid tokens of -min(r A, clip(r, 1 - low, 1 + high) A) + kl_coef k3.

    r = exp(policy - behaviour); k3 = exp(d) - d - 1 with d = reference - policy.
    """
    policy, behaviour, reference, advantage = flatten(samples, advantages)
    policy.requires_grad_(True)
    ratio = (policy - behaviour).exp()
    bounded = ratio.clamp(1 - case["clip_low"], 1 + case["clip_high"])
    surrogate = torch.minimum(ratio * advantage, bounded * advantage)
    difference = reference - policy
    k3 = difference.exp() - difference - 1
    policy_loss, kl = -surrogate.mean(), k3.mean()
    loss = policy_loss + case["kl_coef"] * kl
    loss.backward()
    low = (ratio < 1 - case["clip_low"]) & (advantage < 0)
    high = (ratio > 1 + case["clip_high"]) & (advantage > 0)
    values = dict(
        num_tokens=policy.numel(), loss=loss, policy_loss=policy_loss, kl_reference=kl,
        clip_fraction_low=low.double().mean(), clip_fraction_high=high.double().mean(),
        ratio_mean=ratio.mean(), approx_kl_k1=(behaviour - policy).mean(),
        approx_kl_k3=(ratio - 1 - (policy - behaviour)).mean())
    values = {key: v.item() if torch.is_tensor(v) else v for key, v in values.items()}
    return values, policy.grad.tolist(), ratio.tolist()


def gradient_by_hand(case, samples, advantages):
    """d loss / d log-prob: (-r A unless clipped + kl_coef (1 - exp(reference - policy))) / N."""
    tokens = [(p, b, r, advantages[i])
              for i, s in enumerate(samples) if s["valid"]
              for p, b, r in zip(s["policy_logprobs"], s["behaviour_logprobs"],
                                 s["reference_logprobs"])]
    gradient = []
    for policy, behaviour, reference, advantage in tokens:
        ratio = math.exp(policy - behaviour)
        held = (ratio > 1 + case["clip_high"]) if advantage > 0 else (ratio < 1 - case["clip_low"])
        slope = 0.0 if held else -ratio * advantage
        slope += case["kl_coef"] * (1 - math.exp(reference - policy))
        gradient.append(slope / len(tokens))
    return gradient


def solve(case):
    samples = draw(case)
    advantages_by_kind = {kind: group_advantages(samples, kind) for kind in ADVANTAGES}
    advantages = advantages_by_kind[case["advantage"]]
    values, flat, ratios = answer(case, samples, advantages)
    by_hand = gradient_by_hand(case, samples, advantages)
    error = max(abs(a - b) for a, b in zip(flat, by_hand, strict=True))
    bounds = (1 - case["clip_low"], 1 + case["clip_high"])
    margin = min(abs(ratio - bound) for ratio in ratios for bound in bounds)
    if error > 1e-15 or margin < MIN_CLIP_MARGIN:
        raise SystemExit(f"{case['name']}: gradient error {error:g}, nearest bound {margin:g}")
    rest = iter(flat)
    for sample in samples:
        length = len(sample["policy_logprobs"])
        # An invalid sample has no gradient and no tokens in the mean.
        sample["gradient"] = [next(rest) if sample["valid"] else 0.0 for _ in range(length)]
    keys = ("name", "advantage", "clip_low", "clip_high", "kl_coef")
    print(f"{case['name']}: " + ", ".join(f"{k} {v:.4g}" for k, v in values.items()))
    return dict({key: case[key] for key in keys}, samples=samples,
                advantages=advantages_by_kind, expected=values)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--out", default=os.path.join(here, "objective.json"))
    arguments = parser.parse_args()
    cases = [solve(case) for case in CASES]
    with open(arguments.out, "w", encoding="utf-8") as file:
        file.write(json.dumps(dict(std_epsilon=STD_EPSILON, cases=cases), indent=1) + "\n")


if __name__ == "__main__":
    main()
