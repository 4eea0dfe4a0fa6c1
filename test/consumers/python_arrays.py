"""Reads safetensors with a reader of the format's own rules and npz with NumPy, and predicts encoded rows.

Usage: python_arrays.py torch|numpy <folder>
"""
import json
import os
import struct
import sys

import numpy as np

LIBRARY, FOLDER = sys.argv[1:]


def read_safetensors(path):
    """8 bytes of header length, the header as JSON, the tensors one after the other."""
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    data = content[8 + length :]
    tensors = {}
    for name, entry in header.items():
        assert entry["dtype"] == "F32"
        begin, end = entry["data_offsets"]
        array = np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"])
        tensors[name] = array.copy()
    return tensors, metadata


def activate(name, z):
    gelu = lambda z: 0.5 * z * (1 + np.tanh(0.7978845608028654 * (z + 0.044715 * z**3)))
    return {
        "linear": lambda: z,
        "step": lambda: (z >= 0).astype(z.dtype),
        "sigmoid": lambda: 1 / (1 + np.exp(-z)),
        "tanh": lambda: np.tanh(z),
        "relu": lambda: np.maximum(z, 0),
        "leaky_relu": lambda: np.where(z > 0, z, 0.01 * z),
        "elu": lambda: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
        "selu": lambda: 1.0507009873554805
        * np.where(z > 0, z, 1.6732632423543772 * np.expm1(np.minimum(z, 0))),
        "gelu": lambda: gelu(z),
        "silu": lambda: z / (1 + np.exp(-z)),
        "softplus": lambda: np.logaddexp(z, 0),
        "softsign": lambda: z / (1 + np.abs(z)),
    }[name]()


def forward(tensors, prefix, architecture, x):
    hidden = architecture["hidden"]
    for i in range(len(hidden) + 1):
        layer, norm = f"{prefix}layers.{i}", f"{prefix}norms.{i}"
        x = x @ tensors[f"{layer}.weight"].T.astype(np.float64) + tensors[f"{layer}.bias"]
        if f"{norm}.weight" in tensors:
            scale = tensors[f"{norm}.weight"] / np.sqrt(tensors[f"{norm}.running_var"] + 1e-5)
            x = (x - tensors[f"{norm}.running_mean"]) * scale + tensors[f"{norm}.bias"]
        if i < len(hidden):
            x = activate(hidden[i]["activation"], x)
    return x


def forward_torch(path, inputs):
    """The logits of each member, by the module that the file's metadata names."""
    import torch
    from torch import nn

    tensors, metadata = read_safetensors(path)
    module = eval(metadata["torch"], {"nn": nn})
    module.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
    module.eval()
    members = [module] if len(inputs) == 1 else list(module)
    with torch.no_grad():
        return [member(torch.from_numpy(x)).numpy() for member, x in zip(members, inputs)]


def answer(members, all_logits):
    first = members[0]["architecture"]
    classes = first["classes"]
    result = {"labels": None, "probabilities": None, "logits": None, "values": None}
    if classes is None:
        targets = [member["target"] or {"center": 0, "scale": 1} for member in members]
        values = [z[:, 0].astype(float) * t["scale"] + t["center"] for z, t in zip(all_logits, targets)]
        return {**result, "values": np.mean(values, 0).tolist()}
    output = first["output_activation"]
    if output in ("linear", "step"):
        scores = all_logits[0]
        best = (scores[:, 0] >= 0).astype(int) if scores.shape[1] == 1 else scores.argmax(1)
        return {**result, "labels": [classes[i] for i in best], "logits": scores.tolist()}
    shares = []
    for z in all_logits:
        z = z.astype(float)
        if output == "sigmoid":
            second = 1 / (1 + np.exp(-z))
            shares.append(np.concatenate([1 - second, second], 1))
        else:
            powers = np.exp(z - z.max(1, keepdims=True))
            shares.append(powers / powers.sum(1, keepdims=True))
    shares = np.mean(shares, 0)
    labels = [classes[i] for i in shares.argmax(1)]
    return {**result, "labels": labels, "probabilities": shares.tolist()}


with open(os.path.join(FOLDER, "case.json")) as file:
    case = json.load(file)
members = case["members"]
inputs = [
    np.fromfile(os.path.join(FOLDER, f"encoded.{i}.f32"), "<f4").reshape(case["rows"], -1)
    for i in range(len(members))
]
prefixes = [""] if len(members) == 1 else [f"members.{i}." for i in range(len(members))]
answers = {}
if LIBRARY == "torch":
    path = os.path.join(FOLDER, "torch.safetensors")
    answers["torch.safetensors"] = answer(members, forward_torch(path, inputs))
else:
    tensors, metadata = read_safetensors(os.path.join(FOLDER, "model.safetensors"))
    archive = np.load(os.path.join(FOLDER, "model.npz"), allow_pickle=False)
    described = json.loads(archive["metadata"].item())
    assert described["format"] == metadata["format"]
    for file, arrays in (("model.safetensors", tensors), ("model.npz", archive)):
        logits = [
            forward(arrays, prefix, member["architecture"], x)
            for prefix, member, x in zip(prefixes, members, inputs)
        ]
        answers[file] = answer(members, logits)
print(json.dumps(answers))
