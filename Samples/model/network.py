"""The sample model: its sizes, its tokenizer, and a forward pass that is fast in training.

The parameters live in the Qwen2-VL class of transformers, so what is trained is a true checkpoint; the passes here only
compute the same thing on equal batches without its loops. `check.py` holds them against the class.
"""
import json
import pathlib
import sys

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

# torchvision declares shapes for compiled operators that a CPU-only installation may lack; none of them is used here.
_register_fake = torch.library.register_fake
torch.library.register_fake = lambda name, *a, **k: (
    (lambda f: f) if isinstance(name, str) and name.startswith("torchvision::") else _register_fake(name, *a, **k))

from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration  # noqa: E402

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "world"))
import language  # noqa: E402
import world  # noqa: E402

PATCH, MERGE, CELL = 14, 2, 28
MIN_PIXELS, MAX_PIXELS = 9 * CELL * CELL, 17 * CELL * CELL
MEAN64, STD64 = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
MEAN, STD = torch.tensor(MEAN64), torch.tensor(STD64)

WIDTH, DEPTH, VISION_HEADS = 128, 4, 4
HIDDEN, MLP, LAYERS, HEADS, KV_HEADS, HEAD = 192, 512, 6, 6, 2, 32
SECTIONS = [4, 6, 6]  # the published [16, 24, 24] scaled to half a head of 16 frequencies


def configuration(tokenizer, rows):
    token = tokenizer.token_to_id
    return Qwen2VLConfig(
        text_config=dict(
            hidden_size=HIDDEN, intermediate_size=MLP, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
            num_key_value_heads=KV_HEADS, vocab_size=rows, tie_word_embeddings=True, rms_norm_eps=1e-6,
            max_position_embeddings=8192, hidden_act="silu",
            rope_parameters={"rope_type": "default", "rope_theta": 1e6, "mrope_section": SECTIONS},
            bos_token_id=token("<|endoftext|>"), eos_token_id=token("<|im_end|>"), pad_token_id=token("<|endoftext|>")),
        vision_config=dict(
            depth=DEPTH, embed_dim=WIDTH, mlp_ratio=4, num_heads=VISION_HEADS, in_channels=3, hidden_size=HIDDEN,
            patch_size=PATCH, spatial_merge_size=MERGE, temporal_patch_size=2),
        vision_start_token_id=token("<|vision_start|>"), vision_end_token_id=token("<|vision_end|>"),
        image_token_id=token("<|image_pad|>"), video_token_id=token("<|video_pad|>"), tie_word_embeddings=True)


def load_tokenizer():
    return Tokenizer.from_file(str(HERE / "tokenizer.json"))


def new_model(tokenizer, seed=1):
    torch.manual_seed(seed)
    rows = (tokenizer.get_vocab_size() + 63) // 64 * 64
    config = configuration(tokenizer, rows)
    model = Qwen2VLForConditionalGeneration._from_config(config, attn_implementation="sdpa").float()
    for name, parameter in model.named_parameters():
        if parameter.dim() >= 2:
            torch.nn.init.normal_(parameter, std=0.04 if "language_model" in name else 0.03)
    model.tie_weights()
    return model


# MARK: vision

def frame_size(width, height):
    """smart_resize within the sample budget -> (width, height), multiples of a cell."""
    h, w = round(height / CELL) * CELL, round(width / CELL) * CELL
    if h * w > MAX_PIXELS:
        beta = (height * width / MAX_PIXELS) ** 0.5
        h, w = int(height / beta // CELL * CELL), int(width / beta // CELL * CELL)
    elif h * w < MIN_PIXELS:
        beta = (MIN_PIXELS / (height * width)) ** 0.5
        h, w = -int(-height * beta // CELL) * CELL, -int(-width * beta // CELL) * CELL
    return max(CELL, w), max(CELL, h)


def patches(frames):
    """U8 [n, 2, H, W, 3] pairs of frames -> f32 [n, patches, 1176] in the order of the reference."""
    n, _, h, w, _ = frames.shape
    x = (frames.float() / 255 - MEAN) / STD
    x = x.permute(0, 4, 1, 2, 3).reshape(n, 3, 2, h // CELL, 2, PATCH, w // CELL, 2, PATCH)
    return x.permute(0, 3, 6, 4, 7, 1, 2, 5, 8).reshape(n, -1, 3 * 2 * PATCH * PATCH)


def half_turned(x):
    a, b = x.chunk(2, dim=-1)
    return torch.cat((-b, a), dim=-1)


_grids = {}


def grid_angles(rows, columns, head):
    """cos and sin for each patch, in merge order: [patches, head]."""
    if (rows, columns) not in _grids:
        h = torch.arange(rows)[:, None].expand(rows, columns)
        w = torch.arange(columns)[None].expand(rows, columns)
        order = [a.reshape(rows // 2, 2, columns // 2, 2).permute(0, 2, 1, 3).reshape(-1) for a in (h, w)]
        inverse = 1.0 / 10000 ** (torch.arange(0, head // 2, 2).float() / (head // 2))
        angle = torch.cat([a[:, None].float() * inverse for a in order], dim=-1)
        angle = torch.cat((angle, angle), dim=-1)
        _grids[rows, columns] = angle.cos(), angle.sin()
    return _grids[rows, columns]


def see(visual, rows, grid, tap=None):
    """Patch rows [n, patches, 1176] of n pairs of one grid (rows, columns of patches) -> [n, tokens, hidden]; with
    `tap`, the patch states [n, patches, width] behind so many blocks as well."""
    n, count, _ = rows.shape
    cos, sin = grid_angles(*grid, WIDTH // VISION_HEADS)
    x = F.linear(rows, visual.patch_embed.proj.weight.view(WIDTH, -1))
    states = None
    for index, block in enumerate(visual.blocks):
        if index == tap:
            states = x
        q, k, v = block.attn.qkv(block.norm1(x)).view(n, count, 3, VISION_HEADS, -1).permute(2, 0, 3, 1, 4)
        q, k = q * cos + half_turned(q) * sin, k * cos + half_turned(k) * sin
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, count, WIDTH)
        x = x + block.attn.proj(y)
        x = x + block.mlp(block.norm2(x))
    tokens = visual.merger.mlp(visual.merger.ln_q(x).view(n, count // 4, 4 * WIDTH))
    return tokens if tap is None else (tokens, states)


# MARK: language

AXIS = torch.tensor(sum(([a] * s for a, s in enumerate(SECTIONS)), []))
INVERSE = 1.0 / 1e6 ** (torch.arange(0, HEAD, 2).float() / HEAD)


#: the layer and the heads that are taught where to look, one of each KV head
LOOK_LAYER, LOOK_HEADS = 3, (0, 5)
#: those that are taught to look at what was found by comparing
CHOICE_LAYER, CHOICE_HEADS = 4, (1, 4)
#: those that are taught where to copy from, and those below them that look one token back, which copying rests on
COPY_LAYER, COPY_HEADS = 4, (0, 5)
BACK_LAYER, BACK_HEADS = 1, (1, 4)


def think(language_model, x, positions, mask, taps=(), looks=()):
    """Embeddings [b, l, hidden], positions [b, 3, l], mask [b, 1, l, l] (true: may look) -> last hidden states, and the
    states behind the layers in `taps`. For each of `looks`, (name, layer, heads, range of places), the states hold under
    its name the queries of those heads [b, heads, l, head] and their keys of those places [b, heads, places, head]."""
    b, l, _ = x.shape
    angle = positions[:, AXIS].transpose(1, 2).float() * INVERSE
    angle = torch.cat((angle, angle), dim=-1)[:, None]
    cos, sin = angle.cos(), angle.sin()
    states = {}
    for index, layer in enumerate(language_model.layers):
        h, a = layer.input_layernorm(x), layer.self_attn
        q = a.q_proj(h).view(b, l, HEADS, HEAD).transpose(1, 2)
        k = a.k_proj(h).view(b, l, KV_HEADS, HEAD).transpose(1, 2)
        v = a.v_proj(h).view(b, l, KV_HEADS, HEAD).transpose(1, 2)
        q, k = q * cos + half_turned(q) * sin, k * cos + half_turned(k) * sin
        k, v = (t.repeat_interleave(HEADS // KV_HEADS, dim=1) for t in (k, v))
        for name, level, heads, places in looks:
            if index == level:
                states[name] = q[:, list(heads)], k[:, list(heads), places.start:places.stop]
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(b, l, HIDDEN)
        x = x + a.o_proj(y)
        x = x + layer.mlp(layer.post_attention_layernorm(x))
        if index + 1 in taps:
            states[index + 1] = x
    return language_model.norm(x), states


def save_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
