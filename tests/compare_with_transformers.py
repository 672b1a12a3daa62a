#!/usr/bin/env python3
"""Compare `grpo logprobs` with transformers on checkpoints, fp32.

    python tests/compare_with_transformers.py --program build/release/grpo [CHECKPOINT ...]

Without checkpoints it writes random ones larger than those of tests/golden to a temporary folder. Each
is read by both: the logits of all tokens (the 16,384 best of large vocabularies) may differ by at most
1e-4, the chosen experts and 64 greedy tokens must be the same. Prints a JSON line for each. Exit code 77 (skipped) without transformers.
"""
import argparse
import json
import subprocess
import sys
import tempfile

MAX_LOGIT_DIFFERENCE = 1e-4
MAX_LOGITS = 16384
NUM_SEQUENCES, NUM_TOKENS, NUM_GREEDY = 4, 64, 64


def random_checkpoints(folder):
    """Yields folders of random checkpoints of a few million parameters."""
    from transformers import AutoModelForCausalLM, CONFIG_MAPPING
    shape = dict(vocab_size=1003, hidden_size=192, intermediate_size=500, num_hidden_layers=6,
                 num_attention_heads=6, max_position_embeddings=2048, pad_token_id=None)
    latent = dict(shape, num_key_value_heads=6, kv_lora_rank=64, qk_nope_head_dim=32,
                  qk_rope_head_dim=16, v_head_dim=32, n_routed_experts=16, num_experts_per_tok=4,
                  moe_intermediate_size=72, n_shared_experts=1, first_k_dense_replace=1)
    yarn = dict(rope_type="yarn", rope_theta=10000.0, factor=8.0, mscale=0.707,
                mscale_all_dim=0.707, original_max_position_embeddings=256, beta_fast=32,
                beta_slow=1)
    models = dict(
        v3=("deepseek_v3", dict(latent, q_lora_rank=96, n_group=4, topk_group=2,
                                routed_scaling_factor=2.5, rope_parameters=yarn)),
        v2=("deepseek_v2", dict(latent, q_lora_rank=None, topk_method="group_limited_greedy",
                                n_group=4, topk_group=2, norm_topk_prob=False,
                                routed_scaling_factor=4.0, rope_parameters=yarn)),
        qwen3_moe=("qwen3_moe", dict(shape, num_key_value_heads=2, head_dim=40, num_experts=16,
                                     num_experts_per_tok=4, moe_intermediate_size=72,
                                     norm_topk_prob=True)),
        llama=("llama", dict(shape, num_key_value_heads=3, tie_word_embeddings=True)))
    import torch
    for name, (model_type, arguments) in models.items():
        torch.manual_seed(len(name))
        config = CONFIG_MAPPING[model_type](**arguments)
        config.initializer_range = 0.06  # spreads the logits and the router's scores
        model = AutoModelForCausalLM.from_config(config)
        for key, buffer in model.named_buffers():
            if key.endswith("e_score_correction_bias"):
                buffer.normal_(0, 0.1)
        model.save_pretrained(f"{folder}/{name}")
        yield f"{folder}/{name}"


def reference(folder):
    """Tokens, and what transformers says of them: logits, experts, greedy tokens."""
    import torch
    from transformers import AutoModelForCausalLM
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager",
        experts_implementation="eager").eval()
    tokens = torch.randint(0, model.config.vocab_size, (NUM_SEQUENCES, NUM_TOKENS),
                           generator=torch.Generator().manual_seed(1))
    chosen = []

    def keep(_, __, out):
        ids = [part for part in out if not torch.is_floating_point(part)][0]
        chosen.append(ids.view(*tokens.shape, -1).sort(-1).values)

    hooks = [m.register_forward_hook(keep) for key, m in model.named_modules()
             if key.endswith("mlp.gate")]
    with torch.no_grad():
        logits = model(tokens, use_cache=False).logits
        for hook in hooks:
            hook.remove()
        text = tokens
        for _ in range(NUM_GREEDY):
            best = model(text, use_cache=False).logits[:, -1].argmax(-1, keepdim=True)
            text = torch.cat([text, best], 1)
    return tokens, logits, torch.stack(chosen) if chosen else None, text


def ours(program, folder, sequences, *options):
    lines = "".join(json.dumps({"tokens": s}) + "\n" for s in sequences.tolist())
    run = subprocess.run([program, "logprobs", "--policy", folder, *options], input=lines,
                         capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise SystemExit(f"{folder}: {run.stderr}")
    return [json.loads(line) for line in run.stdout.splitlines()]


def compare(program, folder):
    import torch
    tokens, logits, experts, text = reference(folder)
    vocabulary = logits.shape[-1]
    records = ours(program, folder, tokens, "--experts", "--top-logits",
                   str(min(vocabulary, MAX_LOGITS)))
    found = logits.clone()
    for b, record in enumerate(records):
        for t, best in enumerate(record["top_logits"]):
            assert len(best) == min(vocabulary, MAX_LOGITS)
            pairs = torch.tensor(best, dtype=torch.float64)
            found[b, t, pairs[:, 0].long()] = pairs[:, 1].float()
    difference = (found - logits).abs().max().item()
    same_experts = True
    if experts is not None:
        chosen = torch.tensor([record["experts"] for record in records]).transpose(0, 1)
        same_experts = torch.equal(chosen, experts)
    greedy = torch.tensor([r["argmax"] for r in ours(program, folder, text)])
    same_greedy = torch.equal(greedy[:, NUM_TOKENS - 1:-1], text[:, NUM_TOKENS:])
    print(json.dumps({"checkpoint": folder, "max_logit_difference": difference,
                      "logit_range": logits.abs().max().item(), "same_experts": same_experts,
                      "same_greedy_tokens": same_greedy}), flush=True)
    return difference <= MAX_LOGIT_DIFFERENCE and same_experts and same_greedy


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="the grpo program")
    parser.add_argument("checkpoints", nargs="*", metavar="CHECKPOINT")
    arguments = parser.parse_args()
    try:
        from transformers.utils import logging
    except ImportError:
        print("skipped: this Python has no transformers; name one that has it in GRPO_PYTHON")
        sys.exit(77)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = arguments.checkpoints or random_checkpoints(folder)
        results = [compare(arguments.program, checkpoint) for checkpoint in checkpoints]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
