#!/usr/bin/env python3
"""Write the golden policies arch_* and greedy.json: every architecture but DeepSeek's own, with the
answers of transformers.

    python make_architecture_golden.py [--out DIR]

The folders hold what those of make_policy_golden.py do. greedy.json: for every golden policy, prompts
and the 64 tokens that follow greedily, in fp64; no choice is closer than GREEDY_MARGIN.
"""
import argparse
import json
import os

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, CONFIG_MAPPING
from transformers.utils import logging

from make_policy_golden import (POLICIES, Float64Throughout, checkpoint_gradients, draw_weights,
                                largest, mean_nll, require, require_small)

NUM_SEQUENCES, NUM_TOKENS, NUM_GREEDY = 3, 24, 64
GREEDY_MARGIN = 1e-3
PLAIN = dict(rope_type="default", rope_theta=10000.0)
# Odd sizes on purpose: widths that no vector register divides.
SHAPE = dict(
    vocab_size=61, hidden_size=36, intermediate_size=46, num_hidden_layers=2,
    max_position_embeddings=128, rms_norm_eps=1e-5, bos_token_id=0, eos_token_id=1,
    pad_token_id=None, tie_word_embeddings=False, rope_parameters=PLAIN)
GROUPED = dict(SHAPE, num_attention_heads=6, num_key_value_heads=2)
LATENT = dict(
    SHAPE, num_attention_heads=3, num_key_value_heads=3, q_lora_rank=14, kv_lora_rank=18,
    qk_nope_head_dim=10, qk_rope_head_dim=6, v_head_dim=7)
LLAMA3 = dict(
    rope_type="llama3", rope_theta=100.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
    original_max_position_embeddings=32)
YARN = dict(
    rope_type="yarn", rope_theta=100.0, factor=4.0, original_max_position_embeddings=32,
    beta_fast=32, beta_slow=1)
FACTORS = [1.0, 1.25, 2.5]
LONGROPE = dict(
    rope_type="longrope", rope_theta=100.0, short_factor=FACTORS, long_factor=FACTORS,
    original_max_position_embeddings=64, factor=2.0)
POLICIES_BY_ARCHITECTURE = dict(
    arch_llama=("llama", 1, dict(GROUPED, rope_parameters=LLAMA3, tie_word_embeddings=True)),
    arch_llama_bias=("llama", 2, dict(GROUPED, attention_bias=True, head_dim=8,
                                      rope_parameters=dict(PLAIN, rope_type="linear", factor=2.0))),
    arch_mistral=("mistral", 3, dict(GROUPED, head_dim=10, sliding_window=None)),
    arch_qwen2=("qwen2", 4, dict(GROUPED, rope_parameters=YARN, tie_word_embeddings=True)),
    arch_qwen3=("qwen3", 5, dict(GROUPED, head_dim=10)),
    arch_qwen3_moe=("qwen3_moe", 6, dict(GROUPED, head_dim=10, num_hidden_layers=3, num_experts=8,
                                         num_experts_per_tok=2, moe_intermediate_size=10,
                                         norm_topk_prob=True, mlp_only_layers=[0])),
    arch_glm4_moe_lite=("glm4_moe_lite", 7, dict(
        LATENT, num_hidden_layers=3, n_routed_experts=8, num_experts_per_tok=2,
        moe_intermediate_size=10, n_shared_experts=1, routed_scaling_factor=1.8)),
    arch_youtu=("youtu", 8, dict(LATENT, tie_word_embeddings=True)),
    arch_minicpm3=("minicpm3", 9, dict(LATENT, tie_word_embeddings=True, scale_emb=3,
                                       scale_depth=1.4, dim_model_base=24,
                                       rope_parameters=LONGROPE)),
    arch_latent_bias=("deepseek_v3", 10, dict(
        LATENT, attention_bias=True, num_hidden_layers=2, first_k_dense_replace=1,
        n_routed_experts=6, num_experts_per_tok=2, moe_intermediate_size=10, n_shared_experts=2,
        n_group=1, topk_group=1, norm_topk_prob=True, routed_scaling_factor=2.0)),
)


def build(config, dtype):
    config._attn_implementation, config._experts_implementation = "eager", "eager"
    return AutoModelForCausalLM.from_config(config).to(dtype).eval()


@torch.no_grad()
def draw_biases(model, seed):
    for index, (key, tensor) in enumerate(sorted(model.named_parameters())):
        if key.endswith("bias"):
            generator = torch.Generator().manual_seed(1000 * seed + 500 + index)
            tensor.copy_(0.2 * torch.randn(tensor.shape, generator=generator))


def logits_and_experts(model, tokens_BT):
    """Logits and the chosen experts [M, B, T, K], ascending; None without experts."""
    chosen = []

    def keep(_, __, out):
        ids = [part for part in out if not torch.is_floating_point(part)][0]
        chosen.append(ids.view(*tokens_BT.shape, -1))

    gates = [m for key, m in model.named_modules() if key.endswith("mlp.gate")]
    hooks = [gate.register_forward_hook(keep) for gate in gates]
    logits = model(tokens_BT, use_cache=False).logits
    for hook in hooks:
        hook.remove()
    return logits, torch.stack(chosen).sort(-1).values if chosen else None


@torch.no_grad()
def greedy(name, model, prompts_BT):
    """The 64 most likely tokens after each prompt, end tokens no exception, and the margin."""
    tokens, margin = prompts_BT, float("inf")
    for _ in range(NUM_GREEDY):
        best = model(tokens, use_cache=False).logits[:, -1].topk(2)
        margin = min(margin, (best.values[:, 0] - best.values[:, 1]).min().item())
        tokens = torch.cat([tokens, best.indices[:, :1]], 1)
    print(f"  closest greedy choice: {margin:.3g}")
    require(name, margin >= GREEDY_MARGIN, "a greedy choice is too close")
    return tokens[:, prompts_BT.shape[1]:].tolist()


def wide_model(config, state):
    wide = build(config, torch.float64)
    wide.load_state_dict({k: v.double() for k, v in state.items()})
    return wide


def make(name, folder):
    print(name)
    model_type, seed, arguments = POLICIES_BY_ARCHITECTURE[name]
    model = build(CONFIG_MAPPING[model_type](**arguments), torch.float32)
    draw_weights(model, name, seed)
    draw_biases(model, seed)
    os.makedirs(folder, exist_ok=True)
    model.save_pretrained(folder)
    os.remove(os.path.join(folder, "generation_config.json"))
    tokens_BT = torch.randint(0, SHAPE["vocab_size"], (NUM_SEQUENCES, NUM_TOKENS),
                              generator=torch.Generator().manual_seed(1000 * seed + 999))
    with torch.no_grad():
        logits, experts = logits_and_experts(model, tokens_BT)
    with Float64Throughout():
        wide = wide_model(AutoConfig.from_pretrained(folder), model.state_dict())
        wide_logits, wide_experts = logits_and_experts(wide, tokens_BT)
        nll = mean_nll(wide_logits, tokens_BT)
        nll.backward()
    require_small(name, "fp32 logits, error", largest(logits, wide_logits), 1e-5)
    reference = {"tokens": tokens_BT, "logits": logits, "nll": nll.detach()}
    if experts is not None:
        require(name, torch.equal(experts, wide_experts), "fp64 chooses other experts")
        reference["experts"] = experts
    gradients = checkpoint_gradients(wide)
    reference.update((f"grad.{key}", g.float().contiguous()) for key, g in gradients.items())
    save_file(reference, os.path.join(folder, "reference.safetensors"))
    for file in os.listdir(folder):
        os.chmod(os.path.join(folder, file), 0o644)


def greedy_of(name, folder):
    print(name)
    with Float64Throughout():
        model = AutoModelForCausalLM.from_pretrained(
            folder, attn_implementation="eager", experts_implementation="eager")
        model = wide_model(AutoConfig.from_pretrained(folder), model.state_dict())
        for attempt in range(1000):  # prompts whose continuations hang on no near tie
            prompts_BT = torch.randint(0, model.config.vocab_size, (2, 8),
                                       generator=torch.Generator().manual_seed(attempt))
            try:
                return {"prompts": prompts_BT.tolist(), "tokens": greedy(name, model, prompts_BT)}
            except SystemExit:
                continue
    raise SystemExit(f"{name}: every prompt leads to a near tie")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--out", default=here, help="where the folders go")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    for name in POLICIES_BY_ARCHITECTURE:
        make(name, os.path.join(out, name))
    names = [*POLICIES, *POLICIES_BY_ARCHITECTURE]
    greedy_tokens = {name: greedy_of(name, os.path.join(out, name)) for name in names}
    with open(os.path.join(out, "greedy.json"), "w", encoding="utf-8") as file:
        json.dump(greedy_tokens, file)
        file.write("\n")


if __name__ == "__main__":
    main()
