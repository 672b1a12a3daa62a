#!/usr/bin/env python3
"""Compare trained adapters in PEFT with the merged policy here, fp32.

    python tests/compare_with_peft.py --program build/release/grpo

Trains a small policy of each attention for a few steps, then adapters of all its matrices; PEFT puts the folder adapter/
of the checkpoint beside the first policy, and its logits may differ from those of the checkpoint, where the adapters are
merged, by at most 1e-5 times the largest one. Prints a JSON line for each. Exit code 77 (skipped) without peft.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

MAX_RELATIVE_DIFFERENCE = 1e-5
RECIPE = """
[run]
stages = ["sft"]
[policy]
init_std = 0.1
{policy}
[tokenizer]
train_vocab_size = 280
[[data.task]]
family = "addition"
[[data.task]]
family = "sorting"
[sft]
steps = 8
batch_size = 16
[sft.optimizer]
learning_rate = 1e-2
"""
SHAPES = {
    "deepseek_v3": """
[policy.config]
hidden_size = 64
intermediate_size = 96
moe_intermediate_size = 32
num_hidden_layers = 3
num_attention_heads = 2
q_lora_rank = 32
kv_lora_rank = 16
qk_nope_head_dim = 8
qk_rope_head_dim = 8
v_head_dim = 16
n_routed_experts = 4
""",
    "llama": """
[policy.config]
model_type = "llama"
hidden_size = 64
intermediate_size = 96
num_hidden_layers = 2
num_attention_heads = 4
num_key_value_heads = 2
""",
}
ADAPTERS = """
[policy.lora]
attention_rank = 4
mlp_rank = 3
head_rank = 5
"""


def train(program, folder, name, policy):
    recipe = folder / f"{name}.toml"
    recipe.write_text(RECIPE.format(policy=policy))
    subprocess.run([program, "train", recipe, "--set", f"run.dir={folder / name}"], check=True, stdout=subprocess.DEVNULL)
    return folder / name / "checkpoints" / "step-8"


def compare(program, folder, name):
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM
    base = train(program, folder, f"{name}-base", SHAPES[name])
    experts = "expert_rank = 2\n" if "n_routed_experts" in SHAPES[name] else ""
    adapted = train(program, folder, f"{name}-adapted", f'path = "{base}"' + ADAPTERS + experts)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation="eager",
                                                 experts_implementation="eager")
    tokens = torch.randint(0, model.config.vocab_size, (2, 48), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        before = model(tokens, use_cache=False).logits
        model = PeftModel.from_pretrained(model, adapted / "adapter").eval()
        logits = model(tokens, use_cache=False).logits
    lines = "".join(json.dumps({"tokens": sequence}) + "\n" for sequence in tokens.tolist())
    run = subprocess.run([program, "logprobs", "--policy", adapted, "--top-logits", str(logits.shape[-1])], input=lines,
                         capture_output=True, text=True, check=True)
    found = torch.zeros_like(logits)
    for b, line in enumerate(run.stdout.splitlines()):
        for t, best in enumerate(json.loads(line)["top_logits"]):
            pairs = torch.tensor(best, dtype=torch.float64)
            found[b, t, pairs[:, 0].long()] = pairs[:, 1].float()
    largest = logits.abs().max().item()
    difference = (found - logits).abs().max().item() / largest
    trained = (logits - before).abs().max().item() / largest
    print(json.dumps({"policy": name, "relative_difference": difference, "adapters_change": trained}), flush=True)
    return difference <= MAX_RELATIVE_DIFFERENCE < trained


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="the grpo program")
    arguments = parser.parse_args()
    try:
        import peft  # noqa: F401
        from transformers.utils import logging
    except ImportError:
        print("skipped: this Python has no peft; name one that has it in GRPO_PYTHON")
        sys.exit(77)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        results = [compare(arguments.program, pathlib.Path(folder), name) for name in SHAPES]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
