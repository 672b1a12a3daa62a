#!/usr/bin/env python3
"""Write the golden policies policy_*: small DeepSeek checkpoints with known answers.

    python make_policy_golden.py [--out DIR] [NAME ...]

Each folder gets config.json and model.safetensors as transformers writes them, and
reference.safetensors (its tensors are listed in README.md beside this file). Every answer is
computed twice, by transformers and by decoder.py, which is written from the papers' equations; the
script stops where they differ.

Letters: B sequences, T tokens, V vocabulary, M MoE layers, K experts a token.
"""
import argparse
import json
import os

import torch
from safetensors.torch import load_file, save_file
from torch.overrides import TorchFunctionMode
from transformers import (AutoConfig, AutoModelForCausalLM, DeepseekV2Config, DeepseekV2ForCausalLM,
                          DeepseekV3Config, DeepseekV3ForCausalLM)
from transformers.utils import logging

from decoder import Decoder

# No pad_token_id: transformers would hold back the gradient of that token's embedding.
SHAPE = dict(
    vocab_size=64, hidden_size=32, intermediate_size=48, moe_intermediate_size=12,
    num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=4, kv_lora_rank=16,
    qk_nope_head_dim=8, qk_rope_head_dim=4, v_head_dim=8, n_routed_experts=8,
    num_experts_per_tok=2, n_shared_experts=1, first_k_dense_replace=1,
    max_position_embeddings=128, rms_norm_eps=1e-6, bos_token_id=0, eos_token_id=1,
    tie_word_embeddings=False, rope_parameters=dict(rope_type="default", rope_theta=10000.0))
V3 = dict(
    SHAPE, q_lora_rank=12, n_group=2, topk_group=1, norm_topk_prob=True,
    routed_scaling_factor=2.5, num_nextn_predict_layers=0)
V2 = dict(
    SHAPE, q_lora_rank=None, topk_method="greedy", n_group=1, topk_group=1, norm_topk_prob=False,
    routed_scaling_factor=1.0)
# Base 100 over 8 rotary dimensions gives YaRN's ramp a frequency strictly between its ends.
YARN = dict(
    rope_type="yarn", rope_theta=100.0, factor=4.0, original_max_position_embeddings=32,
    beta_fast=32, beta_slow=1)
V3_YARN = dict(
    V3, qk_rope_head_dim=8, rope_parameters=dict(YARN, mscale=1.0, mscale_all_dim=1.0))
# Three experts out of two groups: with no more experts than groups the limit could not bind.
V2_YARN = dict(
    V2, num_experts_per_tok=3, q_lora_rank=12, qk_rope_head_dim=8,
    topk_method="group_limited_greedy", n_group=4, topk_group=2, routed_scaling_factor=4.0,
    rope_parameters=dict(YARN, mscale=0.707, mscale_all_dim=0.707))
# Seeds are chosen so that no routing decision is near a tie and every expert is used.
POLICIES = dict(
    policy_v3=dict(seed=15, tokens=24, config=V3),
    policy_v3_noq=dict(seed=30, tokens=24, config=dict(V3, q_lora_rank=None, n_group=1)),
    policy_v3_yarn=dict(seed=38, tokens=48, config=V3_YARN),
    policy_v2=dict(seed=18, tokens=24, config=V2),
    policy_v2_yarn=dict(seed=738, tokens=48, config=V2_YARN),
)
NUM_SEQUENCES = 3
# Between the last chosen and the first refused score, of experts and of groups.
MIN_ROUTING_MARGIN = 1e-3
# In policy_v3's last layer these make some tokens choose an expert whose biased score is negative.
NEGATIVE_BIAS_SHIFT = (0.6, -0.8, -0.8, -0.8, -0.3, -0.3, -0.3, -0.3)


class Float64Throughout(TorchFunctionMode):
    """Makes transformers' hard-coded float32 steps (router, norms, softmax, angles) float64."""

    def __torch_function__(self, function, types, args=(), kwargs=None):

        def widen(value):
            return torch.float64 if value is torch.float32 else value

        if function is torch.Tensor.float:
            function = torch.Tensor.double
        kwargs = {key: widen(value) for key, value in (kwargs or {}).items()}
        return function(*map(widen, args), **kwargs)


def mean_nll(logits_BTV, tokens_BT):
    """Mean over all B * (T - 1) next tokens of -log p."""
    logprobs = logits_BTV[:, :-1].log_softmax(-1).gather(-1, tokens_BT[:, 1:, None])
    return -logprobs.mean()


@torch.no_grad()
def draw_weights(model, name, seed):
    """Linear weights of size 1/sqrt(fan in), which spreads the router's scores; norms about 1."""
    tensors = dict(model.named_parameters())
    tensors.update(
        (k, b) for k, b in model.named_buffers() if k.endswith("e_score_correction_bias"))
    for index, (key, tensor) in enumerate(sorted(tensors.items())):
        noise = torch.randn(tensor.shape,
                            generator=torch.Generator().manual_seed(1000 * seed + index))
        if key.endswith("e_score_correction_bias"):
            noise = 0.1 * noise
            if name == "policy_v3" and ".2." in key:
                noise += torch.tensor(NEGATIVE_BIAS_SHIFT)
        elif "norm" in key:
            noise = 1 + 0.1 * noise
        elif key == "lm_head.weight":
            noise = noise * 2 / tensor.shape[-1]**0.5
        elif key != "model.embed_tokens.weight":
            noise = noise / tensor.shape[-1]**0.5
        tensor.copy_(noise)


def build(config, dtype):
    kind = DeepseekV3ForCausalLM if config.model_type == "deepseek_v3" else DeepseekV2ForCausalLM
    config._attn_implementation, config._experts_implementation = "eager", "eager"
    return kind(config).to(dtype).eval()


def routed_experts(model, tokens_BT):
    """Logits and the experts that transformers chose, [M, B, T, K], ascending."""
    chosen = []
    gates = [m for key, m in model.named_modules() if key.endswith("mlp.gate")]
    hooks = [
        g.register_forward_hook(lambda _, __, out: chosen.append(out[2].view(*tokens_BT.shape, -1)))
        for g in gates
    ]
    logits = model(tokens_BT, use_cache=False).logits
    for hook in hooks:
        hook.remove()
    return logits, torch.stack(chosen).sort(-1).values


def checkpoint_gradients(model):
    """Gradients under the checkpoint's names: transformers fuses the experts and gate with up."""
    gradients = {}
    for key, parameter in model.named_parameters():
        if not key.endswith(("experts.gate_up_proj", "experts.down_proj")):
            gradients[key] = parameter.grad
            continue
        prefix, kind = key.rsplit(".", 1)
        for e, gradient in enumerate(parameter.grad):
            parts = ("gate_proj", "up_proj") if kind == "gate_up_proj" else (kind,)
            for part, piece in zip(parts, gradient.chunk(len(parts))):
                gradients[f"{prefix}.{e}.{part}.weight"] = piece
    return gradients


def float64_reference(config, model, tokens_BT):
    """transformers' logits, loss, experts and gradients with every step in float64."""
    with Float64Throughout():
        wide = build(config, torch.float64)
        wide.load_state_dict({k: v.double() for k, v in model.state_dict().items()})
        logits, experts = routed_experts(wide, tokens_BT)
        nll = mean_nll(logits, tokens_BT)
        nll.backward()
    assert logits.dtype == torch.float64
    return logits.detach(), nll.detach(), experts, checkpoint_gradients(wide)


def run_decoder(config, weights, tokens_BT, dtype):
    """The same from the equations. Gradients are those of every tensor but the selection bias."""
    leaves = {
        k: v.to(dtype, copy=True).requires_grad_(not k.endswith("e_score_correction_bias"))
        for k, v in weights.items()
    }
    decoder = Decoder(config, leaves)
    logits = decoder.forward(tokens_BT)
    nll = mean_nll(logits, tokens_BT)
    nll.backward()
    gradients = {k: v.grad for k, v in leaves.items() if v.requires_grad}
    return decoder, logits.detach(), nll.detach(), gradients


def largest(a, b):
    return (a.double() - b.double()).abs().max().item()


def published_config(config):
    """The same policy in the keys of the config.json files that DeepSeek publishes."""
    unpublished = ("rope_parameters", "rope_interleave", "head_dim", "qk_head_dim",
                   "output_router_logits", "dtype", "pad_token_id")
    out = {key: value for key, value in config.items() if key not in unpublished}
    scaling = dict(config["rope_parameters"])
    out["rope_theta"] = int(scaling.pop("rope_theta"))
    scaling["type"] = scaling.pop("rope_type")
    out.update(
        rope_scaling=scaling, torch_dtype=config["dtype"], scoring_func="sigmoid",
        topk_method="noaux_tc", ep_size=1, moe_layer_freq=1, aux_loss_alpha=0.001, seq_aux=True,
        transformers_version="4.33.1")
    return out


def require(name, holds, what):
    if not holds:
        raise SystemExit(f"{name}: {what}")


def require_small(name, what, found, limit):
    print(f"  {what}: {found:.3g}")
    require(name, found <= limit, f"{what} is {found:.3g}, expected at most {limit:g}")


def write_checkpoint(name, folder):
    """Writes config.json and model.safetensors; returns the model they came from."""
    kind = DeepseekV3Config if "v3" in name else DeepseekV2Config
    model = build(kind(**POLICIES[name]["config"]), torch.float32)
    draw_weights(model, name, POLICIES[name]["seed"])
    os.makedirs(folder, exist_ok=True)
    model.save_pretrained(folder)
    os.remove(os.path.join(folder, "generation_config.json"))
    return model


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


@torch.no_grad()
def check_checkpoint(name, folder, model, tokens_BT, logits):
    """What was written is the model that gave the logits, under each of its config files."""
    loaded = AutoModelForCausalLM.from_pretrained(
        folder, attn_implementation="eager", experts_implementation="eager")
    same = torch.equal(loaded(tokens_BT, use_cache=False).logits, logits)
    require(name, same, "the saved checkpoint gives other logits")
    if name != "policy_v3_yarn":
        return
    path = os.path.join(folder, "config_published.json")
    with open(path, "w", encoding="utf-8") as file:
        config = published_config(read_json(os.path.join(folder, "config.json")))
        file.write(json.dumps(config, indent=2, sort_keys=True) + "\n")
    twin = build(AutoConfig.from_pretrained(path), torch.float32)
    twin.load_state_dict(model.state_dict())
    same = torch.equal(twin(tokens_BT, use_cache=False).logits, logits)
    require(name, same, "config_published.json gives other logits")


def check_decoder(name, folder, tokens_BT, narrow_logits, narrow_experts, wide):
    """The equations agree with transformers, and the routing has the margins promised."""
    wide_logits, wide_nll, wide_experts, wide_gradients = wide
    config = read_json(os.path.join(folder, "config.json"))
    weights = load_file(os.path.join(folder, "model.safetensors"))
    _, logits, _, _ = run_decoder(config, weights, tokens_BT, torch.float32)
    require_small(name, "fp32 logits, difference", largest(narrow_logits, logits), 1e-5)
    require_small(name, "fp32 logits, error", largest(narrow_logits, wide_logits), 1e-5)
    decoder, logits, nll, gradients = run_decoder(config, weights, tokens_BT, torch.float64)
    require_small(name, "fp64 logits, difference", largest(wide_logits, logits), 1e-12)
    require_small(name, "fp64 nll, difference", largest(wide_nll, nll), 1e-12)
    names = gradients.keys() ^ wide_gradients.keys()
    require(name, not names, f"gradients on one side only: {sorted(names)}")
    difference = max(largest(g, gradients[k]) for k, g in wide_gradients.items())
    require_small(name, "fp64 gradients, difference", difference, 1e-12)

    experts = torch.stack(decoder.experts)
    same = torch.equal(experts, narrow_experts) and torch.equal(experts, wide_experts)
    require(name, same, "other experts were chosen")
    used = [layer.unique().numel() for layer in experts]
    require(name, min(used) == config["n_routed_experts"], f"experts used by layer: {used}")
    print(f"  closest routing decision: {decoder.margin:.3g}")
    require(name, decoder.margin >= MIN_ROUTING_MARGIN, f"a decision by {decoder.margin:.3g}")
    print(f"  choices changed without groups: {decoder.no_groups_differs}, "
          f"with groups masked by 0: {decoder.zero_mask_differs}")
    grouped = config["n_group"] > 1
    require(name, (decoder.no_groups_differs > 0) == grouped, "the groups do not matter")
    require(name, decoder.zero_mask_differs > 0 or name != "policy_v3", "the mask does not matter")


def make(name, folder):
    print(name)
    model = write_checkpoint(name, folder)
    spec = POLICIES[name]
    tokens_BT = torch.randint(
        0, SHAPE["vocab_size"], (NUM_SEQUENCES, spec["tokens"]),
        generator=torch.Generator().manual_seed(1000 * spec["seed"] + 999))
    with torch.no_grad():
        logits, experts = routed_experts(model, tokens_BT)
    wide = float64_reference(AutoConfig.from_pretrained(folder), model, tokens_BT)
    check_checkpoint(name, folder, model, tokens_BT, logits)
    check_decoder(name, folder, tokens_BT, logits, experts, wide)
    _, nll, _, gradients = wide
    reference = {"tokens": tokens_BT, "logits": logits, "experts": experts, "nll": nll}
    reference.update((f"grad.{key}", g.float().contiguous()) for key, g in gradients.items())
    save_file(reference, os.path.join(folder, "reference.safetensors"))
    for file in os.listdir(folder):
        os.chmod(os.path.join(folder, file), 0o644)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--out", default=here, help="where the folders go")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(POLICIES))
    arguments = parser.parse_args()
    for name in arguments.names:
        require(name, name in POLICIES, f"no such policy; there are {', '.join(POLICIES)}")
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    for name in arguments.names or POLICIES:
        make(name, os.path.join(arguments.out, name))


if __name__ == "__main__":
    main()
