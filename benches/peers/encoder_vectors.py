"""Writes testdata/encoder/{classifier,roberta,longformer}: tiny models of random weights under the names of
published checkpoints, and what their formulas give in f64, written out here on torch.

    benches/peers/.venv/bin/python benches/peers/encoder_vectors.py

The attention of the Longformer is dense with a mask, one text at a time: token i sees itself and `side`
tokens on each side; in a classifier also the first token, which itself sees all by maps of its own.
"""

import json
import math
import pathlib
import shutil
import struct

import torch
import torch.nn.functional as F

DATA = pathlib.Path(__file__).resolve().parents[2] / "testdata" / "encoder"
VOCABULARY, HIDDEN, HEADS, INNER, LAYERS = 22, 16, 4, 32, 2
TYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
WHOLE = [5, 6, 7, 9, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21]  # words that need no other before them
TEXTS = [[2, *(WHOLE[(i * i + n) % 14] for i in range(n)), 3] for n in [0, 1, 6, 20, 33]]


def write(path, tensors, dtype):
    header, blobs, at = {}, [], 0
    for name, tensor in tensors.items():
        blob = tensor.to(dtype).contiguous().view(torch.uint8).numpy().tobytes()
        header[name] = {"dtype": TYPES[dtype], "shape": list(tensor.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    path.write_bytes(struct.pack("<Q", len(head)) + head + b"".join(blobs))


def weights(family, labels, positions, types, dtype):
    w = {}

    def add(name, *shape):
        w[name] = torch.randn(shape, dtype=torch.float64) * 0.4

    def linear(name, a, b):
        add(name + ".weight", b, a)
        add(name + ".bias", b)

    def norm(name):
        linear(name, 1, HIDDEN)
        w[name + ".weight"] = 1 + w[name + ".weight"][:, 0]

    e = family + ".embeddings."
    add(e + "word_embeddings.weight", VOCABULARY, HIDDEN)
    add(e + "position_embeddings.weight", positions, HIDDEN)
    add(e + "token_type_embeddings.weight", types, HIDDEN)
    norm(e + "LayerNorm")
    for i in range(LAYERS):
        p = f"{family}.encoder.layer.{i}."
        for name in ["query", "key", "value"]:
            linear(p + "attention.self." + name, HIDDEN, HIDDEN)
            if family == "longformer":
                linear(p + f"attention.self.{name}_global", HIDDEN, HIDDEN)
        linear(p + "attention.output.dense", HIDDEN, HIDDEN)
        norm(p + "attention.output.LayerNorm")
        linear(p + "intermediate.dense", HIDDEN, INNER)
        linear(p + "output.dense", INNER, HIDDEN)
        norm(p + "output.LayerNorm")
    if family == "bert":
        linear("bert.pooler.dense", HIDDEN, HIDDEN)
        linear("classifier", HIDDEN, labels)
    else:
        linear("classifier.dense", HIDDEN, HIDDEN)
        linear("classifier.out_proj", HIDDEN, labels)
    # What the file can hold is what the formulas take.
    return {name: tensor.to(dtype).double() for name, tensor in w.items()}


def attend(q, k, v, mask):
    q, k, v = (x.view(len(x), HEADS, -1).transpose(0, 1) for x in (q, k, v))
    scores = q @ k.transpose(1, 2) / math.sqrt(HIDDEN // HEADS)
    scores = scores.masked_fill(~mask, -math.inf)
    return (scores.softmax(-1) @ v).transpose(0, 1).reshape(-1, HIDDEN)


def forward(w, family, config, tokens, is_global):
    def linear(name, x):
        return F.linear(x, w[name + ".weight"], w[name + ".bias"])

    def norm(name, x):
        return F.layer_norm(x, (HIDDEN,), w[name + ".weight"], w[name + ".bias"], config["layer_norm_eps"])

    n, e = len(tokens), family + ".embeddings."
    first = 0 if family == "bert" else config["pad_token_id"] + 1
    x = (w[e + "word_embeddings.weight"][tokens] + w[e + "position_embeddings.weight"][first:first + n]
         + w[e + "token_type_embeddings.weight"][0])
    x = norm(e + "LayerNorm", x)
    places = torch.arange(n)
    for i in range(LAYERS):
        p = f"{family}.encoder.layer.{i}."
        mask = torch.ones(n, n, dtype=torch.bool)
        if family == "longformer":
            mask = (places[:, None] - places[None]).abs() <= config["attention_window"][i] // 2
            if is_global:
                mask[:, 0] = True
        parts = [linear(p + "attention.self." + name, x) for name in ["query", "key", "value"]]
        seen = attend(*parts, mask)
        if family == "longformer" and is_global:
            parts = [linear(p + f"attention.self.{name}_global", x) for name in ["query", "key", "value"]]
            seen[0] = attend(parts[0][:1], *parts[1:], torch.ones(1, n, dtype=torch.bool))[0]
        y = norm(p + "attention.output.LayerNorm", linear(p + "attention.output.dense", seen) + x)
        inner = F.gelu(linear(p + "intermediate.dense", y))
        x = norm(p + "output.LayerNorm", linear(p + "output.dense", inner) + y)
    return x


def logits(w, family, x):
    names = ["bert.pooler.dense", "classifier"] if family == "bert" else ["classifier.dense", "classifier.out_proj"]
    dense, out = names
    h = torch.tanh(F.linear(x[0], w[dense + ".weight"], w[dense + ".bias"]))
    return F.linear(h, w[out + ".weight"], w[out + ".bias"])


def main():
    torch.manual_seed(8)
    for folder, family, dtype, names, positions in [
        ("classifier", "bert", torch.float32, ["refused", "complied", "partial"], 40),
        ("roberta", "roberta", torch.float16, ["LABEL_0", "LABEL_1"], 42),
        ("longformer", "longformer", torch.bfloat16, ["LABEL_0", "LABEL_1"], 42),
    ]:
        path = DATA / folder
        path.mkdir(exist_ok=True)
        config = {
            "model_type": family, "hidden_size": HIDDEN, "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS, "intermediate_size": INNER, "vocab_size": VOCABULARY,
            "max_position_embeddings": positions, "type_vocab_size": 2 if family == "bert" else 1,
            "layer_norm_eps": 1e-12 if family == "bert" else 1e-5, "hidden_act": "gelu",
            "pad_token_id": 0 if family == "bert" else 1,
            "id2label": {str(i): name for i, name in enumerate(names)},
        }
        if family == "longformer":
            config["attention_window"] = [4, 6]
        w = weights(family, len(names), positions, config["type_vocab_size"], dtype)
        write(path / "model.safetensors", w, dtype)
        (path / "config.json").write_text(json.dumps(config, indent=1) + "\n")
        shutil.copy(DATA / "tokenizer.json", path)
        words = json.loads((DATA / "tokenizer.json").read_text())["model"]["vocab"]
        words = {number: word for word, number in words.items()}
        cases = []
        for ids in TEXTS:
            cases.append({
                "text": " ".join(words[i] for i in ids[1:-1]), "ids": ids,
                "last": [round(v, 9) for v in forward(w, family, config, ids, False).flatten().tolist()],
                "logits": logits(w, family, forward(w, family, config, ids, True)).tolist(),
            })
        (path / "expected.json").write_text(json.dumps(cases) + "\n")


main()
