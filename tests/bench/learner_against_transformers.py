#!/usr/bin/env python3
"""An optimizer step beside Hugging Face's modelling code: JSON lines, one for each run, then the comparison.

    python tests/bench/learner_against_transformers.py --transformers PYTHON POLICY

POLICY is a Hugging Face folder, PYTHON has torch and transformers. A step learns from 8 prompts with 8 completions each,
prompts of 64 random tokens, completions of 256: forward, clipped loss, backward, clipping by the global norm, AdamW. In
every round each variant runs once, in a process of its own, and gives the median of its steps; figures are medians of
the rounds.

  ours-DTYPE                       grpo bench learner; bf16: products and attention, with fp32 weights
  transformers-DTYPE-EXPERTS-ATTN  in fp32, bf16, or autocast (fp32 weights, products in bf16); experts eager, batched_mm
                                   or grouped_mm; micro-batches of --micro sequences; logits of completions alone

`tokens_per_second` counts all tokens of all sequences, prompts too, over the time of a step. What differs: ours computes
a prompt once for its group (--no-sharing turns that off).
"""
import argparse
import collections
import fnmatch
import json
import pathlib
import statistics
import sys
import time

from quiet_runs import BOUND, add_options, emit, lines_of, median_of, summaries_of

ROOT = pathlib.Path(__file__).parents[2]
Variant = collections.namedtuple("Variant", "name run")


def run_ours(arguments, dtype):
    command = [arguments.program, "bench", "learner", "--policy", arguments.policy, "--prompts", arguments.prompts,
               "--group", arguments.group, "--prompt-tokens", arguments.prompt_tokens, "--new-tokens",
               arguments.new_tokens, "--threads", arguments.threads, "--repeats", arguments.steps, "--dtype", dtype,
               "--micro-batch-tokens", arguments.micro_batch_tokens]
    command += ["--no-sharing"] if arguments.no_sharing else []
    tokens = arguments.prompts * arguments.group * (arguments.prompt_tokens + arguments.new_tokens)
    return median_of([{"tokens_per_second": tokens / record["seconds"], "seconds": record["seconds"],
                       "peak_memory_mib": record["peak_memory_bytes"] / 2**20, **record["roofline"]}
                      for record in lines_of(arguments, command, {})])


def run_transformers(arguments, dtype, experts, attention):
    keys = ("policy", "prompts", "group", "prompt_tokens", "new_tokens", "threads", "steps", "micro")
    options = {key: getattr(arguments, key) for key in keys} | {"dtype": dtype, "experts": experts,
                                                                "attention": attention}
    record, = lines_of(arguments, [arguments.transformers, __file__, "--child", json.dumps(options)], BOUND)
    return record


def transformers_child(options):
    """In a process of its own, which has transformers."""
    import resource

    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(options["threads"])
    autocast = options["dtype"] == "autocast"
    dtype = torch.bfloat16 if options["dtype"] == "bf16" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(options["policy"], dtype=dtype,
                                                 attn_implementation=options["attention"]).train()
    model.set_experts_implementation(options["experts"])
    model.config.use_cache = False
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, weight_decay=0.0, fused=True)
    generator = torch.Generator().manual_seed(0)
    vocabulary, new = model.config.vocab_size, options["new_tokens"]
    sequences = options["prompts"] * options["group"]
    prompts = torch.randint(vocabulary, (options["prompts"], options["prompt_tokens"]), generator=generator)
    completions = torch.randint(vocabulary, (sequences, new), generator=generator)
    tokens = torch.cat([prompts.repeat_interleave(options["group"], 0), completions], 1)
    advantages = torch.randn(sequences, 1, generator=generator)

    def step():
        start = time.perf_counter()
        for begin in range(0, sequences, options["micro"]):
            part = tokens[begin:begin + options["micro"]]
            with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                logits = model(input_ids=part[:, :-1], logits_to_keep=new).logits.float()
            logprobs = logits.gather(2, part[:, -new:, None])[..., 0] - logits.logsumexp(-1)
            ratio = (logprobs - logprobs.detach()).exp()
            advantage = advantages[begin:begin + options["micro"]]
            loss = -torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).sum() / (sequences * new)
            loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        return time.perf_counter() - start

    step()
    seconds = statistics.median(step() for _ in range(options["steps"]))
    emit({"tokens_per_second": tokens.numel() / seconds, "seconds": seconds,
          "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024})


def variants_of(arguments):
    variants = [Variant(f"ours-{dtype}", lambda *_, dtype=dtype: run_ours(arguments, dtype))
                for dtype in ("fp32", "bf16")]
    for dtype in ("fp32", "bf16", "autocast"):
        for experts in ("eager", "batched_mm", "grouped_mm"):
            for attention in ("sdpa", "eager"):
                variants.append(Variant(f"transformers-{dtype}-{experts}-{attention}",
                                        lambda *_, options=(dtype, experts, attention):
                                        run_transformers(arguments, *options)))
    return [variant for variant in variants
            if any(fnmatch.fnmatch(variant.name, pattern) for pattern in arguments.variants)]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policy", metavar="POLICY")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build" / "release" / "grpo")
    parser.add_argument("--transformers", required=True, metavar="PYTHON", help="a Python that has torch and transformers")
    parser.add_argument("--variant", action="append", metavar="PATTERN", dest="variants",
                        help="these alone, such as 'transformers-fp32-*'; may be repeated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2, help="measured in each process")
    parser.add_argument("--micro", type=int, default=8, help="sequences of a micro-batch of transformers")
    parser.add_argument("--micro-batch-tokens", type=int, default=2560, help="of a micro-batch of ours")
    parser.add_argument("--no-sharing", action="store_true", help="ours computes a prompt for each completion")
    add_options(parser)
    arguments = parser.parse_args()
    arguments.variants = arguments.variants or ["*"]
    arguments.deadline = 0
    return arguments


def main():
    if sys.argv[1:2] == ["--child"]:
        transformers_child(json.loads(sys.argv[2]))
        return
    arguments = parse()
    variants = variants_of(arguments)
    summaries = summaries_of(arguments, variants, "update")
    for name, record in summaries.items():
        emit({"variant": name, "policy": pathlib.Path(arguments.policy).name}
             | {key: round(value, 3) for key, value in record.items()})
    theirs = max((name for name in summaries if name.startswith("transformers-")),
                 key=lambda name: summaries[name]["tokens_per_second"], default=None)
    for ours in (name for name in summaries if name.startswith("ours-") and theirs):
        emit({"comparison": "tokens_per_second", "ours": ours, "theirs": theirs,
              "ratio": round(summaries[ours]["tokens_per_second"] / summaries[theirs]["tokens_per_second"], 3),
              "share_of_limit": round(summaries[ours]["share_of_limit"], 3),
              "memory_ratio": round(summaries[ours]["peak_memory_mib"] / summaries[theirs]["peak_memory_mib"], 3)})


if __name__ == "__main__":
    main()
