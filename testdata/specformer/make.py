"""Makes vit.safetensors and vit.json: a tiny vision transformer with timm's names, written out in
torch, its weights, an image batch, and its logits and input gradient in float64.

    python make.py        # torch, numpy
"""

import json
import struct
from pathlib import Path

import torch
import torch.nn.functional as F

HERE = Path(__file__).resolve().parent
CHANNELS, SIDE, PATCH, WIDTH, DEPTH, HEADS, HIDDEN, CLASSES = 2, 8, 4, 8, 2, 2, 12, 3
torch.manual_seed(0)


def draw(*shape):
    return (0.3 * torch.randn(*shape)).float()


def weights():
    tokens = (SIDE // PATCH) ** 2 + 1
    w = {
        "cls_token": draw(1, 1, WIDTH),
        "pos_embed": draw(1, tokens, WIDTH),
        "patch_embed.proj.weight": draw(WIDTH, CHANNELS, PATCH, PATCH),
        "patch_embed.proj.bias": draw(WIDTH),
        "norm.weight": 1 + draw(WIDTH),
        "norm.bias": draw(WIDTH),
        "head.weight": draw(CLASSES, WIDTH),
        "head.bias": draw(CLASSES),
    }
    for b in range(DEPTH):
        for name, out, into in (
            ("attn.qkv", 3 * WIDTH, WIDTH),
            ("attn.proj", WIDTH, WIDTH),
            ("mlp.fc1", HIDDEN, WIDTH),
            ("mlp.fc2", WIDTH, HIDDEN),
        ):
            w[f"blocks.{b}.{name}.weight"] = draw(out, into)
            w[f"blocks.{b}.{name}.bias"] = draw(out)
        for name in ("norm1", "norm2"):
            w[f"blocks.{b}.{name}.weight"] = 1 + draw(WIDTH)
            w[f"blocks.{b}.{name}.bias"] = draw(WIDTH)
    return w


def forward(w, x):
    n = x.shape[0]
    x = F.conv2d(x, w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], stride=PATCH)
    x = x.flatten(2).transpose(1, 2)
    x = torch.cat([w["cls_token"].expand(n, -1, -1), x], 1) + w["pos_embed"]
    linear = lambda x, name: F.linear(x, w[name + ".weight"], w[name + ".bias"])
    norm = lambda x, name: F.layer_norm(x, (WIDTH,), w[name + ".weight"], w[name + ".bias"], 1e-6)
    for b in range(DEPTH):
        p = f"blocks.{b}."
        qkv = linear(norm(x, p + "norm1"), p + "attn.qkv")
        qkv = qkv.reshape(n, -1, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        a = ((q @ k.transpose(-2, -1)) * (WIDTH // HEADS) ** -0.5).softmax(-1)
        x = x + linear((a @ v).transpose(1, 2).reshape(n, -1, WIDTH), p + "attn.proj")
        x = x + linear(F.gelu(linear(norm(x, p + "norm2"), p + "mlp.fc1")), p + "mlp.fc2")
    return linear(norm(x, "norm")[:, 0], "head")


def save(w, path):
    header, data, at = {}, b"", 0
    for name, tensor in w.items():
        raw = tensor.contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + len(raw)]}
        data, at = data + raw, at + len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


w = weights()
save(w, HERE / "vit.safetensors")
x = torch.rand(3, CHANNELS, SIDE, SIDE).double().requires_grad_()
logits = forward({name: t.double() for name, t in w.items()}, x)
labels = torch.tensor([0, 1, 2])
loss = F.cross_entropy(logits, labels, reduction="sum")
loss.backward()
document = {
    "images": x.detach().flatten(1).tolist(),
    "labels": labels.tolist(),
    "logits": logits.tolist(),
    "gradient": x.grad.flatten(1).tolist(),
}
(HERE / "vit.json").write_text(json.dumps(document))
