#!/usr/bin/env python3
"""Compare greedy continuations of `grpo logprobs` with llama.cpp's, on a GGUF file.

    python tests/compare_with_llama.py --program build/release/grpo --source LLAMA_CPP --build LLAMA_BUILD MODEL.gguf

LLAMA_CPP is llama.cpp's source tree, LLAMA_BUILD where it was built with CMake (target llama, shared libraries). Both
continue the same 20 prompts by 64 tokens. Prints a JSON line: how many continuations are equal, and of each other one
the first difference: by how much our logit of our token exceeds that of llama.cpp's. Exit code 1 where a gap exceeds
--max-gap (llama.cpp quantises activations where weights are quantised; with F32 weights the gap is rounding).
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

NUM_GREEDY = 64
KEPT_LOGITS = 64
PROMPTS = [
    "The capital of France is", "Once upon a time, there was a", "def fibonacci(n):\n", "The three laws of motion are",
    "Water boils at", "1, 1, 2, 3, 5, 8,", "Dear Sir or Madam,\n\n", "In 1969, the first man", "The recipe needs flour,",
    "import numpy as np\n\n", "Question: What is 12 + 30?\nAnswer:", "La capitale de la France est", "Der schnelle braune",
    "The most important thing about", "for (int i = 0; i < n; ++i) {", "Photosynthesis is the process by which",
    "She opened the door and", "# Introduction\n\n", "To be, or not to be,", "The derivative of x squared is",
]


def build_helper(arguments, folder):
    """llama_greedy, linked with the llama.cpp at hand."""
    source = pathlib.Path(__file__).with_name("llama_greedy.cc")
    libraries = pathlib.Path(arguments.build).resolve() / "bin"
    program = pathlib.Path(folder) / "llama_greedy"
    subprocess.run(["g++", "-std=c++17", "-O1", f"-I{arguments.source}/include", f"-I{arguments.source}/ggml/include",
                    str(source), f"-L{libraries}", "-lllama", "-lggml", "-lggml-base", f"-Wl,-rpath,{libraries}",
                    "-o", str(program)], check=True)
    return program


def logprobs(arguments, records, *options):
    lines = "".join(json.dumps(record) + "\n" for record in records)
    run = subprocess.run([arguments.program, "logprobs", "--policy", arguments.model, *options], input=lines,
                         capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise SystemExit(run.stderr)
    return [json.loads(line) for line in run.stdout.splitlines()]


def first_difference(prompt, continuation, record):
    """None, or place, both tokens and the gap between their logits."""
    for i, token in enumerate(continuation):
        at = len(prompt) + i - 1
        ours = record["argmax"][at]
        if ours == token:
            continue
        logits = dict(record["top_logits"][at])
        gap = logits[ours] - logits[token] if token in logits else float("inf")
        return {"token": i, "ours": ours, "llama": token, "gap": gap}
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="the grpo program")
    parser.add_argument("--source", required=True, help="llama.cpp's source tree")
    parser.add_argument("--build", required=True, help="llama.cpp's build folder")
    parser.add_argument("--max-gap", type=float, default=1e-2)
    parser.add_argument("--prompts", help="a file with a prompt in each line, in place of the built-in ones")
    parser.add_argument("model", metavar="MODEL.gguf")
    arguments = parser.parse_args()
    texts = PROMPTS
    if arguments.prompts:
        texts = pathlib.Path(arguments.prompts).read_text(encoding="utf-8").splitlines()
    prompts = [record["tokens"] for record in logprobs(arguments, [{"text": text} for text in texts])]
    with tempfile.TemporaryDirectory() as folder:
        helper = build_helper(arguments, folder)
        run = subprocess.run([str(helper), arguments.model, str(NUM_GREEDY)], stdout=subprocess.PIPE, text=True,
                             input="".join(" ".join(map(str, prompt)) + "\n" for prompt in prompts), check=True)
    continuations = [[int(token) for token in line.split()] for line in run.stdout.splitlines()]
    assert [len(c) for c in continuations] == [NUM_GREEDY] * len(prompts)
    records = logprobs(arguments, [{"tokens": p + c} for p, c in zip(prompts, continuations)],
                       "--top-logits", str(KEPT_LOGITS))
    differences = [first_difference(*case) for case in zip(prompts, continuations, records)]
    found = [difference for difference in differences if difference is not None]
    print(json.dumps({"model": arguments.model, "prompts": len(prompts), "tokens": NUM_GREEDY,
                      "equal": differences.count(None), "first_differences": found}))
    sys.exit(1 if any(difference["gap"] > arguments.max_gap for difference in found) else 0)


if __name__ == "__main__":
    main()
