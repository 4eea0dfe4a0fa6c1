"""PyTorch on the CPU, eager, the loop as its tutorials write it. `--variant fused`: Adam in one kernel (PyTorch 2)."""
import json
import sys
import time

VARIANT = "fused" if "fused" in sys.argv else ""
sys.argv = [word for word in sys.argv if word not in ("--variant", "fused")]

from common import WORKLOADS, digits, make_data, read_options, report, since_start
import torch
from torch import nn
import torch.nn.functional as F


def build(workload):
    widths, layers = workload["layers"], []
    for i, (inputs, units) in enumerate(zip(widths, widths[1:])):
        layers.append(nn.Linear(inputs, units))
        if i < len(widths) - 2:
            if workload.get("batchNorm"):
                layers.append(nn.BatchNorm1d(units))
            layers.append(nn.Tanh() if workload["act"] == "tanh" else nn.ReLU())
            if workload.get("dropout"):
                layers.append(nn.Dropout(workload["dropout"]))
    return nn.Sequential(*layers)


def make_optimizer(workload, parameters):
    decay = workload.get("l2", 0)
    if workload["opt"] == "adam":
        fused = {"fused": True} if VARIANT == "fused" else {}
        return torch.optim.Adam(parameters, lr=workload["lr"], weight_decay=decay, **fused)
    momentum = 0.9 if workload["opt"] == "momentum" else 0
    return torch.optim.SGD(parameters, lr=workload["lr"], momentum=momentum, weight_decay=decay)


def train(name, options):
    workload = WORKLOADS[name]
    started = time.perf_counter()
    x, y = (torch.from_numpy(a) for a in make_data(workload, workload["samples"]))
    made = time.perf_counter() - started
    torch.manual_seed(1)
    is_binary = workload["layers"][-1] == 1
    if is_binary:
        y = y.float().unsqueeze(1)
    loss_of = F.binary_cross_entropy_with_logits if is_binary else F.cross_entropy
    network = build(workload)
    optimizer = make_optimizer(workload, network.parameters())
    start, seconds, losses = None, [], []
    for _ in range(options.epochs + 1):
        started, total = time.perf_counter(), 0.0
        for rows in torch.randperm(len(x)).split(workload["batch"]):
            optimizer.zero_grad()
            loss = loss_of(network(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item()
            if start is None:
                start = since_start() - made
        seconds.append(time.perf_counter() - started)
        losses.append(total)
    peer = "torch-fused" if VARIANT == "fused" else "torch"
    report(peer, torch.__version__, name, options, seconds[1:], start, losses[-1] / losses[0])


def infer(options):
    """Forward pass of the W5 network."""
    network, medians = build(WORKLOADS["W5"]).eval(), {}
    with torch.inference_mode():
        for batch, repetitions in ((1, 1000), (1024, 30)):
            x, seconds = torch.rand(batch, 784), []
            for _ in range(repetitions):
                started = time.perf_counter()
                network(x)
                seconds.append(time.perf_counter() - started)
            kept = sorted(seconds[len(seconds) // 10:])
            medians[batch] = kept[len(kept) // 2]
    print(json.dumps({
        "peer": "torch",
        "version": torch.__version__,
        "workload": "infer",
        "threads": options.threads,
        "batch1_us": digits(medians[1] * 1e6),
        "batch1024_samples_per_s": round(1024 / medians[1024]),
    }))


if __name__ == "__main__":
    options = read_options()
    torch.set_num_threads(options.threads)
    for name in options.workloads.split(","):
        infer(options) if name == "infer" else train(name, options)
