#!/usr/bin/env python3
"""Rollout speed beside llama.cpp and, if asked, transformers: JSON lines, one for each run, then the comparisons.

    cmake -S LLAMA_CPP -B LLAMA_CPP/build -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON
    cmake --build LLAMA_CPP/build --target llama-batched-bench llama-bench
    ./grpo build
    python tests/bench/rollout_against_peers.py --llama LLAMA_CPP/build/bin [--transformers PYTHON] POLICY

POLICY is a Hugging Face folder, which llama.cpp gets as GGUF files of f32 and of bf16 (`grpo convert`; --gguf names
others), or a GGUF file, which both read as it is. Two cases: `batched`, 8 prompts with 8 completions each, and
`single`, one sequence; prompts of 64 random tokens, completions of 256 whatever ends a sequence. In every round each
variant runs once, starting with another one each time; figures are medians of the rounds. Without --llama and
--transformers ours alone is run. (Built by GCC 12 for a processor with AMX, llama.cpp crashes on files of 4 and 8 bits:
-DCMAKE_CXX_FLAGS="-fno-tree-dse -fno-dse" makes it store the whole configuration of the tiles.)

  ours-DTYPE                  grpo bench rollout --numerics exact, in fp32 and bf16
  llama-FILE-fa-on|off        llama-batched-bench -b 2048 -ub 512, a cache of f16, without and with flash attention
  llama-bench-FILE-fa-on|off  llama-bench -pg 64,256, which can do the case `single` alone
  transformers-DTYPE-sdpa|eager  generate(do_sample=True), torch's threads bound to cores

`tokens_per_second` is new tokens over the wall time of generation, prompts included, in all of them; loading is not.
`decode_tokens_per_second` leaves the prompts' time out (llama-bench: the time of `-p 64` is subtracted; transformers:
that of a call for one token). What differs: llama.cpp computes logits but draws no tokens, where the others sample and
ours also records log-probs; ours computes a prompt once for its group, where the peers compute all 64.

A run waits until other processes leave the machine alone, and is stopped and started again where they take more than
--foreign of it; when --patience has passed it is run all the same, with "quiet": false. Medians leave those out where
enough others are there. Threads of the peers are bound to a core each (with llama.cpp's barriers, two on one core are
20 times slower); ours binds nothing and gets no OMP_ variables.
"""
import argparse
import collections
import ctypes
import fnmatch
import json
import os
import pathlib
import re
import statistics
import sys
import tempfile
import time

from quiet_runs import BOUND, Failed, add_options, emit, lines_of, median_of, summaries_of

ROOT = pathlib.Path(__file__).parents[2]
CASES = ("batched", "single")
DTYPES = ("fp32", "bf16")
ROOFLINE = ["share_of_limit", "share_of_limits_in_turn", "decode_gflops", "limit_gflops", "decode_gbytes_per_second",
            "limit_gbytes_per_second"]
KEPT_OF_OURS = ["prefill_tokens_per_second", "sampling_seconds", "mean_decode_batch", "sharing_ratio",
                "mismatch_tokens", *ROOFLINE]

Variant = collections.namedtuple("Variant", "name peer dtype cases run")


def shape(arguments, case):
    """Prompts, completions of each, and runs in one process: the median is taken of short ones."""
    return (arguments.prompts, arguments.group, 1) if case == "batched" else (1, 1, arguments.single_repeats)


def run_ours(arguments, case, dtype):
    prompts, group, repeats = shape(arguments, case)
    command = [arguments.program, "bench", "rollout", "--policy", arguments.policy, "--prompts", prompts,
               "--group", group, "--prompt-tokens", arguments.prompt_tokens, "--new-tokens", arguments.new_tokens,
               "--threads", arguments.threads, "--numerics", arguments.numerics, "--dtype", dtype, "--repeats", repeats]
    records = lines_of(arguments, command, {})
    kept = ["tokens_per_second", "decode_tokens_per_second", *KEPT_OF_OURS]
    return median_of([{key: (record | record["roofline"])[key] for key in kept} for record in records])


def llama_options(arguments, flash):
    threads = arguments.threads
    return ["-b", 2048, "-ub", 512, "-t", threads, "-fa", flash, "-ctk", arguments.cache, "-ctv", arguments.cache]


def run_batched_bench(arguments, case, file, flash):
    prompts, group, repeats = shape(arguments, case)
    sequences, prompt, new = prompts * group, arguments.prompt_tokens, arguments.new_tokens
    command = [arguments.llama / "llama-batched-bench", "-m", file, "-c", sequences * (prompt + new), "-npp", prompt,
               "-ntg", new, "-npl", ",".join([str(sequences)] * repeats), "-tb", arguments.threads,
               *llama_options(arguments, flash), "--output-format", "jsonl"]
    records = lines_of(arguments, command, arguments.bound)
    if not records:  # now and then it loses one line of several
        raise Failed(f"llama-batched-bench printed no result: {command}")
    return median_of([{"tokens_per_second": sequences * new / (record["t_pp"] + record["t_tg"]),
                       "decode_tokens_per_second": sequences * new / record["t_tg"]} for record in records])


def run_llama_bench(arguments, case, file, flash):
    _, _, repeats = shape(arguments, case)
    prompt, new = arguments.prompt_tokens, arguments.new_tokens
    command = [arguments.llama / "llama-bench", "-m", file, "-p", prompt, "-n", 0, "-pg", f"{prompt},{new}",
               "-r", repeats, *llama_options(arguments, flash), "-o", "jsonl"]
    records = lines_of(arguments, command, arguments.bound)
    seconds = {record["n_gen"]: statistics.median(record["samples_ns"]) * 1e-9 for record in records}
    return {"tokens_per_second": new / seconds[new], "decode_tokens_per_second": new / (seconds[new] - seconds[0])}


def run_transformers(arguments, case, dtype, attention):
    prompts, group, repeats = shape(arguments, case)
    options = {"policy": arguments.policy, "prompts": prompts, "group": group, "dtype": dtype, "attention": attention,
               "prompt_tokens": arguments.prompt_tokens, "new_tokens": arguments.new_tokens,
               "threads": arguments.threads, "repeats": repeats}
    record, = lines_of(arguments, [arguments.transformers, __file__, "--child", json.dumps(options)], arguments.bound)
    return record


def transformers_child(options):
    """In a process of its own, which has transformers."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(options["threads"])
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[options["dtype"]]
    model = AutoModelForCausalLM.from_pretrained(options["policy"], dtype=dtype,
                                                 attn_implementation=options["attention"]).eval()
    model.generation_config.eos_token_id = None
    model.config.eos_token_id = None
    generator = torch.Generator().manual_seed(0)
    prompts = torch.randint(model.config.vocab_size, (options["prompts"], options["prompt_tokens"]),
                            generator=generator).repeat_interleave(options["group"], 0)

    def seconds(new_tokens):
        start = time.perf_counter()
        with torch.no_grad():
            out = model.generate(input_ids=prompts, attention_mask=torch.ones_like(prompts), do_sample=True,
                                 temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=new_tokens, pad_token_id=0)
        assert out.shape == (prompts.shape[0], prompts.shape[1] + new_tokens), out.shape
        return time.perf_counter() - start

    seconds(8)
    first = min(seconds(1) for _ in range(3))
    whole = statistics.median(seconds(options["new_tokens"]) for _ in range(options["repeats"]))
    sequences, new = prompts.shape[0], options["new_tokens"]
    emit({"tokens_per_second": sequences * new / whole,
          "decode_tokens_per_second": sequences * (new - 1) / (whole - first)})


def variants_of(arguments):
    all_of_them = [Variant(f"ours-{dtype}", "ours", dtype, CASES, lambda case, d=dtype: run_ours(arguments, case, d))
                   for dtype in arguments.dtypes]
    for dtype, file in arguments.gguf.items():
        for flash in ("on", "off"):
            all_of_them += [
                Variant(f"llama-{dtype}-fa-{flash}", "llama.cpp", dtype, CASES,
                        lambda case, *rest, f=file, o=flash: run_batched_bench(arguments, case, f, o)),
                Variant(f"llama-bench-{dtype}-fa-{flash}", "llama.cpp", dtype, ("single",),
                        lambda case, *rest, f=file, o=flash: run_llama_bench(arguments, case, f, o))]
    if arguments.transformers:
        all_of_them += [
            Variant(f"transformers-{dtype}-{attention}", "transformers", dtype, CASES,
                    lambda case, *rest, d=dtype, a=attention: run_transformers(arguments, case, d, a))
            for dtype in arguments.dtypes for attention in ("sdpa", "eager")]
    return [variant for variant in all_of_them
            if any(fnmatch.fnmatch(variant.name, pattern) for pattern in arguments.variants)]


def best(names, summaries, key):
    return max(names, key=lambda name: summaries[name][key], default=None)


def compare(arguments, case, variants, summaries):
    """Prints a line of our best and of each peer's: with weights of the same type, and of any."""
    common = {"policy": pathlib.Path(arguments.policy).name, "case": case}
    for dtype in [*arguments.dtypes, "any"]:
        names = {peer: [variant.name for variant in variants if variant.peer == peer and variant.name in summaries
                        and (dtype in (variant.dtype, "any") or variant.dtype == "file")]
                 for peer in ("ours", "llama.cpp", "transformers")}
        for key in ("tokens_per_second", "decode_tokens_per_second"):
            ours = best(names["ours"], summaries, key)
            for peer in ("llama.cpp", "transformers"):
                theirs = best(names[peer], summaries, key)
                if ours and theirs:
                    mine, other = summaries[ours][key], summaries[theirs][key]
                    emit({"comparison": key, **common, "weights": dtype, "ours": round(mine, 1), "our_variant": ours,
                          "peer": peer, "theirs": round(other, 1), "their_variant": theirs,
                          "ratio": round(mine / other, 3)})


def roofline(arguments, case, variants, summaries):
    """What ours reaches while decoding, of what it measured the machine to be capable of."""
    for variant in variants:
        if variant.peer != "ours" or variant.name not in summaries:
            continue
        record = summaries[variant.name]
        emit({"roofline": variant.name, "policy": pathlib.Path(arguments.policy).name, "case": case}
             | {key: round(record[key], 3) for key in ROOFLINE}
             | {"share_of_flops": round(record["decode_gflops"] / record["limit_gflops"], 3),
                "share_of_bytes": round(record["decode_gbytes_per_second"] / record["limit_gbytes_per_second"], 3)})


def instruction_sets(arguments):
    """Those that llama.cpp was built for and finds, in its own words (with shared libraries alone)."""
    for folder in [arguments.llama, arguments.llama.parent / "lib"] if arguments.llama else []:
        if (folder / "libllama.so").exists():
            function = ctypes.CDLL(str((folder / "libllama.so").resolve())).llama_print_system_info
            function.restype = ctypes.c_char_p
            return function().decode().strip(" |")
    return None


def describe_machine(arguments):
    text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    fields = {key: re.search(rf"^{key}\s*: (.*)$", text, re.MULTILINE) for key in ("model name", "model", "flags")}
    fields = {key: match[1] if match else "" for key, match in fields.items()}
    emit({"machine": fields["model name"], "model": fields["model"], "cores": os.cpu_count(),
          "flags": [flag for flag in fields["flags"].split() if re.match("avx|amx|fma|f16c", flag)],
          "llama.cpp": instruction_sets(arguments), "load_average": os.getloadavg()})


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policy", metavar="POLICY")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build" / "release" / "grpo")
    parser.add_argument("--llama", type=pathlib.Path, help="folder of llama-batched-bench and llama-bench")
    parser.add_argument("--gguf", action="append", metavar="DTYPE=FILE", help="a file for llama.cpp; may be repeated")
    parser.add_argument("--transformers", metavar="PYTHON", help="a Python that has torch and transformers")
    parser.add_argument("--variant", action="append", metavar="PATTERN", dest="variants",
                        help="these alone, such as 'llama-*-fa-on'; may be repeated")
    parser.add_argument("--dtype", action="append", choices=DTYPES, dest="dtypes", help="this alone")
    parser.add_argument("--case", action="append", choices=CASES, dest="cases", help="this alone")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--single-repeats", type=int, default=3, help="runs in each process of the case `single`")
    parser.add_argument("--numerics", default="exact", help="ours")
    parser.add_argument("--cache", default="f16", help="type of llama.cpp's cache")
    parser.add_argument("--unbound", action="store_true", help="leaves the peers' threads unbound as well")
    add_options(parser)
    arguments = parser.parse_args()
    arguments.variants = arguments.variants or ["*"]
    arguments.dtypes = arguments.dtypes or list(DTYPES)
    arguments.cases = arguments.cases or list(CASES)
    arguments.deadline = 0
    arguments.bound = {} if arguments.unbound else BOUND
    is_file = arguments.policy.endswith(".gguf")
    if arguments.transformers and is_file:
        parser.error("--transformers needs a folder")
    if arguments.gguf:
        arguments.gguf = dict(file.split("=", 1) for file in arguments.gguf)
    elif arguments.llama and is_file:
        arguments.gguf = {"file": arguments.policy}
    return arguments


def main():
    if sys.argv[1:2] == ["--child"]:
        return transformers_child(json.loads(sys.argv[2]))
    arguments = parse()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.llama is None:
            arguments.gguf = {}
        elif arguments.gguf is None:
            arguments.gguf = {dtype: str(pathlib.Path(folder) / f"{dtype}.gguf") for dtype in arguments.dtypes}
            for dtype, file in arguments.gguf.items():
                weights = dtype.replace("fp32", "f32")
                lines_of(arguments, [arguments.program, "convert", arguments.policy, file, "--dtype", weights], {})
        describe_machine(arguments)
        variants = variants_of(arguments)
        for case in arguments.cases:
            of_case = [variant for variant in variants if case in variant.cases]
            summaries = summaries_of(arguments, of_case, case)
            for name, record in summaries.items():
                emit({"variant": name, "policy": pathlib.Path(arguments.policy).name, "case": case}
                     | {key: round(record[key], 1) for key in ("tokens_per_second", "least", "most",
                                                               "decode_tokens_per_second")}
                     | {key: record[key] for key in ("foreign", "stolen", "load_average", "runs", "quiet_runs")})
            compare(arguments, case, variants, summaries)
            roofline(arguments, case, variants, summaries)
    return None


if __name__ == "__main__":
    main()
