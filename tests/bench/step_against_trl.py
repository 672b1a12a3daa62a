#!/usr/bin/env python3
"""A whole GRPO step beside TRL's GRPOTrainer: JSON lines, one for each run, then the comparison.

    python tests/bench/step_against_trl.py --trl PYTHON POLICY

POLICY is a Hugging Face folder, PYTHON has torch, transformers, trl and datasets. A step samples 8 completions of 256
tokens for each of 8 prompts of 64 tokens, chat template included, scores them with a rule, and learns from them once: no
divergence from a reference, temperature 1, one optimizer step. Both read the same prompts. In every round each variant
runs once, in a process of its own, and gives the median of its steps after a first one; figures are medians of the rounds.

  ours-DTYPE           grpo train; bf16: policy.compute = "bf16", with fp32 weights
  trl-DTYPE-EXPERTS    GRPOTrainer with transformers' generate(), weights of that type; experts default or grouped_mm

`seconds` is a step, `sampling_seconds` and `learning_seconds` its parts, and `other_share` what is neither. What differs:
ours counts repeated pairs of characters, TRL digits, which cost about as much; ours always records behaviour log-probs.
"""
import argparse
import collections
import fnmatch
import json
import pathlib
import random
import statistics
import sys
import tempfile
import time

from quiet_runs import BOUND, add_options, emit, lines_of, median_of, summaries_of

ROOT = pathlib.Path(__file__).parents[2]
DTYPES = ("fp32", "bf16")
Variant = collections.namedtuple("Variant", "name run")

RECIPE = """
[run]
name = "step"
dir = "{folder}/run"
stages = ["grpo"]
threads = {threads}
[policy]
path = "{policy}"
compute = "{dtype}"
[data]
train_file = "{folder}/prompts.jsonl"
[grpo]
algorithm = "grpo"
steps = {steps}
prompts_per_step = {prompts}
group_size = {group}
max_refills = 0
ignore_ends = true
[grpo.sampling]
max_new_tokens = {new_tokens}
[grpo.optimizer]
learning_rate = 1e-6
[[reward]]
name = "repetition"
unit = "characters"
ngram = 2
[eval]
problems = 0
[checkpoint]
every_steps = 0
"""


def run_ours(arguments, dtype):
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "prompts.jsonl").write_text(
            "".join(json.dumps({"prompt": prompt, "answer": "1"}) + "\n" for prompt in arguments.texts))
        recipe = pathlib.Path(folder, "recipe.toml")
        recipe.write_text(RECIPE.format(folder=folder, policy=pathlib.Path(arguments.policy).absolute(), dtype=dtype,
                                        threads=arguments.threads, steps=arguments.steps + 1, prompts=arguments.prompts,
                                        group=arguments.group, new_tokens=arguments.new_tokens))
        lines_of(arguments, [arguments.program, "train", recipe], {})
        timings, metrics = ([json.loads(line) for line in pathlib.Path(folder, "run", name).read_text().splitlines()]
                            for name in ("timings.jsonl", "metrics.jsonl"))
    steps = []
    for timing, metric in zip(timings[1:], metrics[1:]):
        if metric["num_updates"] != 1 or metric["completions/mean_length"] != arguments.new_tokens:
            raise SystemExit(f"a step did not learn from what it was to sample: {metric}")
        steps.append({"tokens_per_second": metric["num_tokens"] / timing["time/step"], "seconds": timing["time/step"],
                      "sampling_seconds": timing["time/rollout"], "learning_seconds": timing["time/update"],
                      "other_share": 1 - (timing["time/rollout"] + timing["time/update"]) / timing["time/step"]})
    return median_of(steps)


def run_trl(arguments, dtype, experts):
    keys = ("policy", "prompts", "group", "new_tokens", "threads", "steps", "micro", "texts")
    options = {key: getattr(arguments, key) for key in keys} | {"dtype": dtype, "experts": experts}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(options, file)
        file.flush()
        record, = lines_of(arguments, [arguments.trl, __file__, "--child", "step", file.name], BOUND)
    return record


def texts_child(options):
    """Prompts whose chats are as long as asked, of sums."""
    from transformers import AutoTokenizer
    tokenizer = AutoTokenizer.from_pretrained(options["policy"])
    stream = random.Random(0)
    texts = []

    def length(text):
        return len(tokenizer.apply_chat_template([{"role": "user", "content": text}], add_generation_prompt=True,
                                                 return_dict=True)["input_ids"])

    while len(texts) < options["count"]:
        text = f"Compute {stream.randrange(100)} + {stream.randrange(100)}."
        while length(text) < options["prompt_tokens"]:
            text += f" {stream.randrange(100)}" if stream.random() < 0.7 else "."
        if length(text) == options["prompt_tokens"]:
            texts.append(text)
    emit({"texts": texts})


def step_child(options):
    import os
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    torch.set_num_threads(options["threads"])
    tokenizer = AutoTokenizer.from_pretrained(options["policy"])
    model = AutoModelForCausalLM.from_pretrained(
        options["policy"], dtype=torch.bfloat16 if options["dtype"] == "bf16" else torch.float32)
    if options["experts"] != "default":
        model.set_experts_implementation(options["experts"])
    sequences = options["prompts"] * options["group"]

    def share_of_digits(completions, **_):
        texts = [completion[0]["content"] for completion in completions]
        return [sum(letter.isdigit() for letter in text) / max(1, len(text)) for text in texts]

    with tempfile.TemporaryDirectory() as folder:
        config = GRPOConfig(
            output_dir=folder, per_device_train_batch_size=options["micro"],
            gradient_accumulation_steps=sequences // options["micro"], num_generations=options["group"],
            max_completion_length=options["new_tokens"], temperature=1.0, top_p=1.0, top_k=0, beta=0.0,
            num_iterations=1, learning_rate=1e-6, lr_scheduler_type="constant", max_steps=options["steps"] + 1,
            use_cpu=True, bf16=False, fp16=False, gradient_checkpointing=False, report_to=[], save_strategy="no",
            logging_strategy="no", disable_tqdm=True, seed=0,
            generation_kwargs={"min_new_tokens": options["new_tokens"]})
        chats = [[{"role": "user", "content": text}] for text in options["texts"]]
        trainer = GRPOTrainer(model=model, reward_funcs=share_of_digits, args=config,
                              train_dataset=Dataset.from_dict({"prompt": chats}), processing_class=tokenizer)
        spent, steps = collections.Counter(), []

        def timed(name):
            call = getattr(trainer, name)

            def wrapper(*positional, **named):
                start = time.perf_counter()
                result = call(*positional, **named)
                spent[name] += time.perf_counter() - start
                return result
            setattr(trainer, name, wrapper)

        timed("_generate")
        timed("_generate_and_score_completions")

        class Timer(TrainerCallback):
            def on_step_begin(self, *_, **__):
                spent.clear()
                self.start = time.perf_counter()

            def on_step_end(self, *_, **__):
                seconds = time.perf_counter() - self.start
                learning = seconds - spent["_generate_and_score_completions"]
                steps.append({"tokens_per_second": sequences * options["new_tokens"] / seconds, "seconds": seconds,
                              "sampling_seconds": spent["_generate"], "learning_seconds": learning,
                              "other_share": 1 - (spent["_generate"] + learning) / seconds})

        trainer.add_callback(Timer())
        trainer.train()
    emit(median_of(steps[1:]))


def variants_of(arguments):
    variants = [Variant(f"ours-{dtype}", lambda *_, dtype=dtype: run_ours(arguments, dtype)) for dtype in DTYPES]
    for dtype in DTYPES:
        for experts in ("default", "grouped_mm"):
            variants.append(Variant(f"trl-{dtype}-{experts}",
                                    lambda *_, options=(dtype, experts): run_trl(arguments, *options)))
    return [variant for variant in variants
            if any(fnmatch.fnmatch(variant.name, pattern) for pattern in arguments.variants)]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policy", metavar="POLICY")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build" / "release" / "grpo")
    parser.add_argument("--trl", required=True, metavar="PYTHON", help="a Python that has torch, transformers, trl and datasets")
    parser.add_argument("--variant", action="append", metavar="PATTERN", dest="variants",
                        help="these alone, such as 'trl-fp32-*'; may be repeated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3, help="measured in each process")
    parser.add_argument("--micro", type=int, default=8, help="sequences of a micro-batch of TRL")
    add_options(parser)
    arguments = parser.parse_args()
    arguments.variants = arguments.variants or ["*"]
    arguments.deadline = 0
    return arguments


def main():
    if sys.argv[1:2] == ["--child"]:
        options = json.loads(pathlib.Path(sys.argv[3]).read_text())
        {"texts": texts_child, "step": step_child}[sys.argv[2]](options)
        return
    arguments = parse()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"policy": arguments.policy, "prompt_tokens": arguments.prompt_tokens,
                   "count": arguments.prompts * (arguments.steps + 1)}, file)
        file.flush()
        arguments.texts = lines_of(arguments, [arguments.trl, __file__, "--child", "texts", file.name], {})[0]["texts"]
    variants = variants_of(arguments)
    summaries = summaries_of(arguments, variants, "step")
    for name, record in summaries.items():
        emit({"variant": name, "policy": pathlib.Path(arguments.policy).name}
             | {key: round(value, 3) for key, value in record.items()})

    def best(prefix):
        return min((name for name in summaries if name.startswith(prefix)),
                   key=lambda name: summaries[name]["seconds"], default=None)

    theirs = best("trl-")
    for ours in (name for name in summaries if name.startswith("ours-") and theirs):
        emit({"comparison": "seconds", "ours": ours, "theirs": theirs,
              "ratio": round(summaries[theirs]["seconds"] / summaries[ours]["seconds"], 3),
              "other_share": round(summaries[ours]["other_share"], 4)})


if __name__ == "__main__":
    main()
