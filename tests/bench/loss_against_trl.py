#!/usr/bin/env python3
"""Losses and gradient norms beside TRL's, on the same completions and weights: a JSON line for each objective.

    python tests/bench/loss_against_trl.py --trl PYTHON POLICY

POLICY is a Hugging Face folder, PYTHON has torch, transformers and trl. Both programs get the same random prompts, the
same completions of unequal lengths, advantages, and log-probs of a policy that sampled them (this one's with noise, so
that ratios are on both sides of their bounds). TRL computes all completions as one batch, padded; ours packs them. Ends
with 1 where a loss or a norm differs by more than 1e-5 of itself.

What is compared, and TRL's settings for it:

  grpo      loss_type grpo, epsilon 0.2
  dr_grpo   loss_type dr_grpo, epsilon 0.2
  dapo      loss_type dapo, epsilon 0.2 and 0.28
  cispo     loss_type cispo, epsilon_high 5 (TRL bounds the ratio itself by it, not its distance from 1)
  gspo      loss_type grpo, importance_sampling_level sequence, epsilon 3e-4 and 4e-4
  grpo-k3, grpo-weighted-k3
            loss_type grpo, beta 0.1, use_bias_correction_kl False and True

Only a whole step as one batch is compared: with several micro-batches TRL averages the micro-batches' means for grpo,
where ours divides by the whole step's counts.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[2]
TOLERANCE = 1e-5
NEW_TOKENS = 48
# Name: options of grpo loss, settings of TRL's GRPOConfig.
OBJECTIVES = {
    "grpo": (["--algorithm", "grpo"], {"loss_type": "grpo", "epsilon": 0.2}),
    "dr_grpo": (["--algorithm", "dr_grpo"], {"loss_type": "dr_grpo", "epsilon": 0.2}),
    "dapo": (["--algorithm", "dapo"], {"loss_type": "dapo", "epsilon": 0.2, "epsilon_high": 0.28}),
    "cispo": (["--algorithm", "cispo"], {"loss_type": "cispo", "epsilon_high": 5.0}),
    "gspo": (["--algorithm", "gspo"], {"loss_type": "grpo", "importance_sampling_level": "sequence", "epsilon": 3e-4,
                                       "epsilon_high": 4e-4}),
    "grpo-k3": (["--algorithm", "grpo", "--kl-coef", "0.1"],
                {"loss_type": "grpo", "epsilon": 0.2, "beta": 0.1, "use_bias_correction_kl": False}),
    "grpo-weighted-k3": (["--algorithm", "grpo", "--kl-coef", "0.1", "--kl-estimator", "weighted_k3"],
                         {"loss_type": "grpo", "epsilon": 0.2, "beta": 0.1, "use_bias_correction_kl": True}),
}


def random_completions(vocabulary, groups=6, group_size=4):
    """Without log-probs yet."""
    random.seed(7)
    records = []
    for group in range(groups):
        prompt = [random.randrange(vocabulary) for _ in range(random.randint(4, 40))]
        for _ in range(group_size):
            completion = [random.randrange(vocabulary) for _ in range(random.randint(1, NEW_TOKENS))]
            records.append({"group": group, "prompt": prompt, "completion": completion,
                            "advantage": random.gauss(0, 1)})
    return records


def trl_child(policy):
    """In a process of its own, which has trl. First line: the completions with log-probs; then a line an objective."""
    import logging

    import torch
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    logging.disable(logging.WARNING)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(policy, dtype=torch.float32, attn_implementation="eager")
    tokenizer = AutoTokenizer.from_pretrained(policy)
    records = random_completions(model.config.vocab_size)

    def padded(key, left):
        width = max(len(record[key]) for record in records)
        rows = [record[key] for record in records]
        zeros = [[0] * (width - len(row)) for row in rows]
        join = (lambda row, pad: pad + row) if left else (lambda row, pad: row + pad)
        return (torch.tensor([join(row, pad) for row, pad in zip(rows, zeros)]),
                torch.tensor([join([1] * len(row), pad) for row, pad in zip(rows, zeros)]))

    def own_logprobs(record):
        tokens = torch.tensor([record["prompt"] + record["completion"]])
        with torch.no_grad():
            logprobs = model(tokens).logits.log_softmax(-1)[0]
        first = len(record["prompt"])
        return [logprobs[first + i - 1, token].item() for i, token in enumerate(record["completion"])]

    for record in records:
        own = own_logprobs(record)
        shift = random.gauss(0, 3e-4)  # of a whole completion: what gspo's narrow bounds are about
        noise = 0.2 if record["group"] % 2 else 0.0
        record["behavior_logprobs"] = [value + shift + random.gauss(0, noise) for value in own]
        record["reference_logprobs"] = [value + random.gauss(0, 0.3) for value in own]
    print(json.dumps(records))
    prompts, prompt_mask = padded("prompt", left=True)
    completions, mask = padded("completion", left=False)
    behavior, reference = (padded(key, left=False)[0] for key in ("behavior_logprobs", "reference_logprobs"))
    inputs = {"prompt_ids": prompts, "prompt_mask": prompt_mask, "completion_ids": completions, "completion_mask": mask,
              "advantages": torch.tensor([record["advantage"] for record in records]),
              "old_per_token_logps": behavior, "ref_per_token_logps": reference, "num_items_in_batch": mask.sum()}
    for name, (_, settings) in OBJECTIVES.items():
        with tempfile.TemporaryDirectory() as folder:
            config = GRPOConfig(output_dir=folder, max_completion_length=NEW_TOKENS, num_generations=4, use_cpu=True,
                                per_device_train_batch_size=len(records), gradient_accumulation_steps=1, bf16=False,
                                gradient_checkpointing=False, report_to=[], **{"beta": 0.0} | settings)
            trainer = GRPOTrainer(model=model, reward_funcs=lambda completions, **_: [0.0] * len(completions),
                                  args=config, train_dataset=Dataset.from_list([{"prompt": "a"}] * 8),
                                  processing_class=tokenizer)
            trainer.current_gradient_accumulation_steps = 1
            model.train()
            model.zero_grad()
            loss = trainer._compute_loss(model, inputs)
            loss.backward()
            squares = sum(parameter.grad.double().square().sum().item() for parameter in model.parameters()
                          if parameter.grad is not None)
            print(json.dumps({"objective": name, "loss": loss.item(), "grad_norm": squares**0.5}), flush=True)


def main():
    if sys.argv[1:2] == ["--child"]:
        trl_child(sys.argv[2])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policy", metavar="POLICY")
    parser.add_argument("--trl", required=True, metavar="PYTHON", help="a Python that has torch, transformers and trl")
    parser.add_argument("--program", default=ROOT / "build" / "release" / "grpo")
    arguments = parser.parse_args()
    child = subprocess.run([arguments.trl, __file__, "--child", arguments.policy], capture_output=True, text=True)
    if child.returncode != 0:
        sys.exit(child.stderr[-3000:])
    lines = [json.loads(line) for line in child.stdout.splitlines() if line.startswith(("[", "{"))]
    records, theirs = lines[0], lines[1:]
    failed = len(theirs) != len(OBJECTIVES)
    for their in theirs:
        options = OBJECTIVES[their["objective"]][0]
        output = subprocess.run([arguments.program, "loss", "--policy", arguments.policy, "--max-new-tokens",
                                 str(NEW_TOKENS), *options], input="\n".join(map(json.dumps, records)), text=True,
                                capture_output=True, check=True).stdout
        ours = json.loads(output)
        differences = {key: abs(ours[key] / their[key] - 1) for key in ("loss", "grad_norm")}
        failed |= max(differences.values()) > TOLERANCE
        print(json.dumps({"objective": their["objective"], "loss": ours["loss"], "trl_loss": their["loss"],
                          "grad_norm": ours["grad_norm"], "trl_grad_norm": their["grad_norm"],
                          "relative_differences": differences, "clipped": ours["clipped_low"] + ours["clipped_high"],
                          "tokens": ours["tokens"]}))
    sys.exit(failed)


if __name__ == "__main__":
    main()
