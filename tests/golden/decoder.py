"""A DeepSeek-V2 and -V3 decoder from its equations, as a second opinion for the golden data.

Sources: the DeepSeek-V2 and -V3 reports (arXiv 2405.04434, 2412.19437) and YaRN (arXiv 2309.00071).
No code is shared with transformers. Slow and plain on purpose: every expert runs on every token.

Letters: B sequences, T tokens, D width, L latent rank, R rotary width, E experts.
"""
import math

import torch


class Decoder:
    """Runs checkpoint tensors, given by name, in the precision that they have."""

    def __init__(self, config, weights):
        self.c, self.w = config, weights
        self.rope = config["rope_parameters"]
        self.experts, self.margin = [], math.inf
        # Choices that masking groups by 0 instead of -inf, or not at all, would change.
        self.zero_mask_differs, self.no_groups_differs = 0, 0

    def forward(self, tokens_BT):
        x_BTD = self.w["model.embed_tokens.weight"][tokens_BT]
        for layer in range(self.c["num_hidden_layers"]):
            name = f"model.layers.{layer}."
            h_BTD = self.norm(x_BTD, name + "input_layernorm")
            x_BTD = x_BTD + self.attention(h_BTD, name + "self_attn.")
            h_BTD = self.norm(x_BTD, name + "post_attention_layernorm")
            dense = layer < self.c["first_k_dense_replace"]
            x_BTD = x_BTD + (self.swiglu if dense else self.mixture)(h_BTD, name + "mlp.")
        return self.norm(x_BTD, "model.norm") @ self.w["lm_head.weight"].T

    def norm(self, x, name):
        rms = (x.square().mean(-1, keepdim=True) + self.c["rms_norm_eps"]).sqrt()
        return x / rms * self.w[name + ".weight"]

    def linear(self, x, name):
        return torch.einsum("...i,oi->...o", x, self.w[name + ".weight"])

    def swiglu(self, x, name):
        gate = self.linear(x, name + "gate_proj")
        return self.linear(gate * gate.sigmoid() * self.linear(x, name + "up_proj"),
                           name + "down_proj")

    def attention(self, x_BTD, name):
        """V3 report, equations 1-11: keys and values come from a latent; one rotary key a token."""
        c, (B, T, _) = self.c, x_BTD.shape
        nope, value = c["qk_nope_head_dim"], c["v_head_dim"]
        if c["q_lora_rank"] is None:
            q = self.linear(x_BTD, name + "q_proj")
        else:
            q = self.linear(
                self.norm(self.linear(x_BTD, name + "q_a_proj"), name + "q_a_layernorm"),
                name + "q_b_proj")
        q = q.view(B, T, c["num_attention_heads"], -1)
        down = self.linear(x_BTD, name + "kv_a_proj_with_mqa")
        latent_BTL = self.norm(down[..., :c["kv_lora_rank"]], name + "kv_a_layernorm")
        up = self.linear(latent_BTL, name + "kv_b_proj").view(B, T, -1, nope + value)
        score = torch.einsum("bthn,bshn->bhts", q[..., :nope], up[..., :nope])
        k_rope = self.rotate(down[..., c["kv_lora_rank"]:].unsqueeze(2)).squeeze(2)
        score = score + torch.einsum("bthr,bsr->bhts", self.rotate(q[..., nope:]), k_rope)
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        share = (score * self.softmax_scale()).masked_fill(future, -math.inf).softmax(-1)
        return self.linear(
            torch.einsum("bhts,bshv->bthv", share, up[..., nope:]).reshape(B, T, -1),
            name + "o_proj")

    def softmax_scale(self):
        """1/sqrt(query width), times YaRN's temperature for queries and for keys: squared."""
        scale = (self.c["qk_nope_head_dim"] + self.c["qk_rope_head_dim"])**-0.5
        if self.rope["rope_type"] == "yarn":
            scale *= (0.1 * self.rope["mscale_all_dim"] * math.log(self.rope["factor"]) + 1)**2
        return scale

    def frequencies(self, dtype):
        """Radians a position for each pair. YaRN keeps fast pairs, slows the others by the factor
        and blends between."""
        dims, theta = self.c["qk_rope_head_dim"], self.rope["rope_theta"]
        frequency = [theta**(-2 * i / dims) for i in range(dims // 2)]
        if self.rope["rope_type"] == "yarn":

            def pair_of(rotations):  # real-valued: the pair that turns so often in the context
                length = self.rope["original_max_position_embeddings"]
                return dims / 2 * math.log(length / (2 * math.pi * rotations)) / math.log(theta)

            low = max(math.floor(pair_of(self.rope["beta_fast"])), 0)
            high = min(math.ceil(pair_of(self.rope["beta_slow"])), dims - 1)
            slow = [min(max((i - low) / (high - low), 0.0), 1.0) for i in range(dims // 2)]
            frequency = [f * (1 - s) + f / self.rope["factor"] * s for f, s in zip(frequency, slow)]
        return torch.tensor(frequency, dtype=dtype)

    def rotate(self, x):
        """Turns the adjacent pairs (0, 1), (2, 3), ... of x [B, T, heads, R] by the position."""
        angle = torch.arange(x.shape[1], dtype=x.dtype)[:, None, None] * self.frequencies(x.dtype)
        even, odd = x[..., 0::2], x[..., 1::2]
        turned = (even * angle.cos() - odd * angle.sin(), odd * angle.cos() + even * angle.sin())
        return torch.stack(turned, -1).flatten(-2)

    def mixture(self, x_BTD, name):
        """V3 report, equations 12 to 16 (V2: 20 to 22): the shared expert plus a weighted few."""
        logits_BTE = self.linear(x_BTD, name + "gate")
        v3 = self.c["model_type"] == "deepseek_v3"
        score_BTE = logits_BTE.sigmoid() if v3 else logits_BTE.softmax(-1)
        choose = self.choose_v3 if v3 else self.choose_v2
        chosen_BTE = choose(score_BTE.detach(), name)
        self.experts.append(chosen_BTE.nonzero()[:, -1].view(*x_BTD.shape[:2], -1))
        weight_BTE = score_BTE * chosen_BTE  # of the score without bias
        if self.c["norm_topk_prob"]:
            weight_BTE = weight_BTE / weight_BTE.sum(-1, keepdim=True)
        weight_BTE = weight_BTE * self.c["routed_scaling_factor"]
        out = self.swiglu(x_BTD, name + "shared_experts.")
        for e in range(self.c["n_routed_experts"]):
            out = out + weight_BTE[..., e:e + 1] * self.swiglu(x_BTD, f"{name}experts.{e}.")
        return out

    def choose_v3(self, score_BTE, name):
        """V3: a group is worth its two best biased scores; the bias decides who, never how much."""
        biased_BTE = score_BTE + self.w[name + "gate.e_score_correction_bias"].to(score_BTE.dtype)
        grouped = biased_BTE.unflatten(-1, (self.c["n_group"], -1))
        groups = self.best(
            grouped.sort(-1, descending=True).values[..., :2].sum(-1), self.c["topk_group"])
        allowed = groups.repeat_interleave(grouped.shape[-1], -1)
        chosen = self.best(biased_BTE.masked_fill(~allowed, -math.inf),
                           self.c["num_experts_per_tok"])
        self.zero_mask_differs += self.differs(chosen, biased_BTE.masked_fill(~allowed, 0))
        self.no_groups_differs += self.differs(chosen, biased_BTE)
        return chosen

    def differs(self, chosen, score):
        """How many tokens would choose otherwise by this score."""
        other = score.topk(self.c["num_experts_per_tok"], -1).indices
        return int((~chosen.gather(-1, other)).any(-1).sum())

    def choose_v2(self, score_BTE, name):
        """V2: greedy, or within the groups that hold the best single experts."""
        if self.c["topk_method"] == "greedy":
            return self.best(score_BTE, self.c["num_experts_per_tok"])
        grouped = score_BTE.unflatten(-1, (self.c["n_group"], -1))
        groups = self.best(grouped.amax(-1), self.c["topk_group"])
        allowed = groups.repeat_interleave(grouped.shape[-1], -1)
        limited_BTE = score_BTE.masked_fill(~allowed, -math.inf)
        chosen = self.best(limited_BTE, self.c["num_experts_per_tok"])
        self.no_groups_differs += self.differs(chosen, score_BTE)
        return chosen

    def best(self, score, count):
        """A mask of the `count` highest; remembers how close the closest decision was."""
        ordered = score.sort(-1, descending=True)
        if count < score.shape[-1]:
            margin = ordered.values[..., count - 1] - ordered.values[..., count]
            self.margin = min(self.margin, margin.min().item())
        mask = torch.zeros_like(score, dtype=torch.bool)
        return mask.scatter(-1, ordered.indices[..., :count], True)
