#!/usr/bin/env python3
"""
Writes trajectories.json: trainings of small networks by PyTorch in float64, which the engine must follow.

    apt-get install python3-torch
    /usr/bin/python3 packages/engine/test/golden/make-trajectories.py
    npx biome format --write packages/engine/test/golden

Rows are taken in the order of the data and the initial weights are given, so nothing is drawn. PyTorch's own
optimizers, losses and schedules are used wherever their formula is the engine's; the others are written out
and say why. Dropout is left out: its masks cannot be shared.
"""
import json
import math
import pathlib
import random

import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
ROWS, INPUTS, HIDDEN, EPOCHS = 23, 4, [6, 5], 10

ADAM = {"type": "adam", "learningRate": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "biasCorrection": True}
SGD = {"type": "sgd", "learningRate": 0.1}
MOMENTUM = {"type": "momentum", "learningRate": 0.03, "momentum": 0.9, "nesterov": False}
OPTIMIZERS = {
    "sgd": SGD,
    "momentum": MOMENTUM,
    "nesterov": {**MOMENTUM, "nesterov": True},
    "rmsprop": {"type": "rmsprop", "learningRate": 0.005, "rho": 0.99, "epsilon": 1e-8},
    "adagrad": {"type": "adagrad", "learningRate": 0.05},
    "adam": ADAM,
    "adam without correction": {**ADAM, "learningRate": 0.002, "biasCorrection": False},
    "adamw": {**ADAM, "type": "adamw", "weightDecay": 0.1},
}
ACTIVATIONS = {
    "linear": lambda z: z,
    "step": lambda z: (z >= 0).double().detach() + 0 * z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky_relu": lambda z: F.leaky_relu(z, 0.01),
    "elu": F.elu,
    "selu": F.selu,
    "gelu": lambda z: F.gelu(z, approximate="tanh"),
    "silu": F.silu,
    "softplus": F.softplus,
    "softsign": F.softsign,
}
SCHEDULES = [
    {"type": "step", "everyEpochs": 3, "factor": 0.5},
    {"type": "exponential", "factor": 0.8},
    {"type": "per_step", "factor": 0.97},
    {"type": "cosine"},
    {"type": "linear"},
    {"type": "inverse_time", "decay": 0.5},
    {"type": "reduce_on_plateau", "factor": 0.3, "patience": 1, "cooldown": 1, "minLearningRate": 0.01},
    {"type": "constant", "warmupEpochs": 4},
    {"type": "cosine", "warmupEpochs": 3},
]


def single(value):
    """The float32 nearest to a number, as float64: the engine's data and weights are float32."""
    return torch.tensor(value, dtype=torch.float32).double().tolist()


def make_problem(seed=1):
    draw = random.Random(seed)
    inputs = single([[draw.gauss(0, 1) for _ in range(INPUTS)] for _ in range(ROWS)])
    score = lambda row, j: sum(x * math.sin(1 + 3 * j + k) for k, x in enumerate(row))
    classes = [max(range(3), key=lambda j: score(row, j)) for row in inputs]
    return {
        "inputs": inputs,
        "classes": classes,
        "binary": [int(score(row, 0) + 0.3 * draw.gauss(0, 1) > 0) for row in inputs],
        "numbers": single([[score(row, j) + 0.1 * draw.gauss(0, 1) for j in range(3)] for row in inputs]),
        "rowWeights": single([draw.choice([0, 0.5, 1, 2]) for _ in range(ROWS)]),
    }


def make_weights(widths, seed=2):
    draw = random.Random(seed)
    layers = []
    for fan_in, fan_out in zip(widths, widths[1:]):
        scale = 1.2 / math.sqrt(fan_in)
        weight = single([[scale * draw.gauss(0, 1) for _ in range(fan_in)] for _ in range(fan_out)])
        layers.append({"weight": weight, "bias": single([0.1 * draw.gauss(0, 1) for _ in range(fan_out)])})
    return layers


def make_cases():
    cases = []

    def add(name, **case):
        base = {"activation": "tanh", "loss": "cross_entropy", "optimizer": ADAM, "batchSize": 5}
        cases.append({"name": name, **base, **case})

    for name, optimizer in OPTIMIZERS.items():
        add(name, optimizer=optimizer)
        add(f"{name}, regression", optimizer=optimizer, loss="mse", activation="silu")
    for activation in ACTIVATIONS:
        add(f"{activation} units", activation=activation, optimizer=MOMENTUM)
    for loss in ["binary_cross_entropy", "hinge", "mse", "mae", "huber"]:
        add(loss, loss=loss, optimizer={**SGD, "learningRate": 0.03})
    add("smoothed cross_entropy", labelSmoothing=0.1)
    add("smoothed binary_cross_entropy", loss="binary_cross_entropy", labelSmoothing=0.2)
    add("huber within 0.3", loss="huber", huberDelta=0.3)
    for schedule in SCHEDULES:
        add(f"schedule {json.dumps(schedule)}", schedule=schedule, optimizer={**SGD, "learningRate": 0.3})
    add("per-step schedule with momentum", schedule=SCHEDULES[2], optimizer=MOMENTUM)
    for regularization in [{"l2": 0.01}, {"l1": 0.003}, {"l1": 0.002, "l2": 0.02}]:
        add(f"penalty {json.dumps(regularization)}", regularization=regularization, optimizer=SGD)
    for name in ["sgd", "momentum", "adam", "adamw"]:
        add(f"batch normalization, {name}", batchNorm=True, optimizer=OPTIMIZERS[name], activation="relu")
    add("batch normalization, penalty", batchNorm=True, regularization={"l2": 0.05}, loss="mse", batchSize=8)
    add("class weights", classWeights=[0.5, 3, 1])
    add("class weights, hinge", classWeights=[0.5, 3, 1], loss="hinge", optimizer=SGD)
    add("row weights", weighted=True, optimizer=SGD)
    add("row weights, binary", weighted=True, loss="binary_cross_entropy", optimizer=SGD)
    add("row weights, huber", weighted=True, loss="huber", optimizer=SGD)
    add("clipped by norm", gradientClip={"norm": 0.2}, optimizer={**SGD, "learningRate": 0.5})
    add("clipped by value", gradientClip={"value": 0.02}, optimizer={**SGD, "learningRate": 0.5})
    add("full batch", batchSize=ROWS)
    add("batches of one", batchSize=1, optimizer=MOMENTUM)
    add(
        "everything",
        activation="gelu",
        batchNorm=True,
        optimizer=OPTIMIZERS["adamw"],
        schedule=SCHEDULES[-1],
        regularization={"l1": 1e-4, "l2": 1e-3},
        gradientClip={"norm": 0.5},
        classWeights=[1, 2, 0.5],
        batchSize=8,
    )
    return cases


class Network(torch.nn.Module):
    def __init__(self, layers, case):
        super().__init__()
        self.activate = ACTIVATIONS[case["activation"]]
        self.weights = torch.nn.ParameterList([torch.nn.Parameter(torch.tensor(l["weight"])) for l in layers])
        self.biases = torch.nn.ParameterList([torch.nn.Parameter(torch.tensor(l["bias"])) for l in layers])
        hidden = self.biases[:-1] if case.get("batchNorm") else []
        self.norms = torch.nn.ModuleList([torch.nn.BatchNorm1d(len(bias)) for bias in hidden])
        # Its exact gradient is zero; PyTorch's is round-off, of which Adam would make steps of full size.
        for bias in hidden:
            bias.requires_grad_(False)

    def forward(self, x):
        last = len(self.weights) - 1
        for index, (weight, bias) in enumerate(zip(self.weights, self.biases)):
            x = F.linear(x, weight, bias)
            if index < last:
                x = self.activate(self.norms[index](x) if self.norms else x)
        return x


class Rmsprop(torch.optim.Optimizer):
    """PyTorch adds ε to the root; the engine adds it inside."""

    def __init__(self, parameters, lr, rho, epsilon):
        super().__init__(parameters, {"lr": lr, "rho": rho, "epsilon": epsilon})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                mean.mul_(group["rho"]).add_((1 - group["rho"]) * p.grad**2)
                p -= group["lr"] * p.grad / torch.sqrt(mean + group["epsilon"])


class Momentum(torch.optim.Optimizer):
    """PyTorch multiplies by the rate behind the velocity; the engine keeps it inside."""

    def __init__(self, parameters, lr, momentum, nesterov):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "nesterov": nesterov})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                velocity = self.state[p].setdefault("velocity", torch.zeros_like(p))
                velocity.mul_(group["momentum"]).sub_(group["lr"] * p.grad)
                p += group["momentum"] * velocity - group["lr"] * p.grad if group["nesterov"] else velocity


class UncorrectedAdam(torch.optim.Optimizer):
    """PyTorch always corrects the bias."""

    def __init__(self, parameters, lr, betas, epsilon):
        super().__init__(parameters, {"lr": lr, "betas": betas, "epsilon": epsilon})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                v = self.state[p].setdefault("v", torch.zeros_like(p))
                m.mul_(beta1).add_((1 - beta1) * p.grad)
                v.mul_(beta2).add_((1 - beta2) * p.grad**2)
                p -= group["lr"] * m / (torch.sqrt(v) + group["epsilon"])


def make_optimizer(network, config, has_schedule):
    parameters = [p for p in network.parameters() if p.requires_grad]
    kind, lr = config["type"], config["learningRate"]
    if kind == "sgd":
        return torch.optim.SGD(parameters, lr)
    if kind == "momentum" and not has_schedule:
        return torch.optim.SGD(parameters, lr, momentum=config["momentum"], nesterov=config["nesterov"])
    if kind == "momentum":
        return Momentum(parameters, lr, config["momentum"], config["nesterov"])
    if kind == "rmsprop":
        return Rmsprop(parameters, lr, config["rho"], config["epsilon"])
    if kind == "adagrad":
        return torch.optim.Adagrad(parameters, lr, eps=1e-10)
    betas = (config["beta1"], config["beta2"])
    if kind == "adamw":
        others = [p for p in parameters if p.dim() == 1]
        matrices = {"params": list(network.weights), "weight_decay": config["weightDecay"]}
        groups = [matrices, {"params": others, "weight_decay": 0}]
        return torch.optim.AdamW(groups, lr, betas=betas, eps=config["epsilon"])
    if config["biasCorrection"]:
        return torch.optim.Adam(parameters, lr, betas=betas, eps=config["epsilon"])
    return UncorrectedAdam(parameters, lr, betas, config["epsilon"])


def make_scheduler(optimizer, schedule):
    """PyTorch's scheduler, stepped after each epoch, or after each batch for `per_step`."""
    kind, warmup = schedule["type"], schedule.get("warmupEpochs", 0)
    rise = lambda e: (e + 1) / warmup if e < warmup else 1
    schedulers = torch.optim.lr_scheduler
    if kind == "step":
        return schedulers.StepLR(optimizer, schedule["everyEpochs"], schedule["factor"])
    if kind in ("exponential", "per_step"):
        return schedulers.ExponentialLR(optimizer, schedule["factor"])
    if kind == "cosine" and warmup == 0:
        return schedulers.CosineAnnealingLR(optimizer, EPOCHS)
    if kind == "cosine":
        return schedulers.LambdaLR(optimizer, lambda e: rise(e) * 0.5 * (1 + math.cos(math.pi * e / EPOCHS)))
    if kind == "linear":
        return schedulers.LambdaLR(optimizer, lambda e: 1 - e / EPOCHS)
    if kind == "inverse_time":
        return schedulers.LambdaLR(optimizer, lambda e: 1 / (1 + schedule["decay"] * e))
    if kind == "constant":
        return schedulers.LambdaLR(optimizer, rise)
    return schedulers.ReduceLROnPlateau(
        optimizer,
        factor=schedule["factor"],
        # PyTorch bears `patience` epochs without improvement, the engine reduces after as many.
        patience=schedule["patience"] - 1,
        cooldown=schedule["cooldown"],
        min_lr=schedule["minLearningRate"],
        threshold=1e-4,
        eps=0,
    )


def row_losses(case, logits, targets):
    kind = case["loss"]
    if kind == "cross_entropy":
        return F.cross_entropy(logits, targets, reduction="none", label_smoothing=case.get("labelSmoothing", 0))
    if kind == "binary_cross_entropy":
        smoothing = case.get("labelSmoothing", 0)
        soft = targets * (1 - smoothing) + smoothing / 2
        return F.binary_cross_entropy_with_logits(logits[:, 0], soft, reduction="none")
    if kind == "hinge":
        # PyTorch divides by the number of classes.
        return F.multi_margin_loss(logits, targets, reduction="none") * logits.shape[1]
    if kind == "mse":
        return F.mse_loss(logits, targets, reduction="none").mean(1)
    if kind == "mae":
        return F.l1_loss(logits, targets, reduction="none").mean(1)
    return F.huber_loss(logits, targets, reduction="none", delta=case.get("huberDelta", 1)).mean(1)


def penalty_of(network, regularization):
    l1, l2 = regularization.get("l1", 0), regularization.get("l2", 0)
    return sum(l1 * w.abs().sum() + l2 * (w**2).sum() for w in network.weights)


def run(case, problem, initial):
    network = Network(initial["1" if case["loss"] == "binary_cross_entropy" else "3"], case)
    schedule = case.get("schedule")
    optimizer = make_optimizer(network, case["optimizer"], schedule is not None)
    scheduler = make_scheduler(optimizer, schedule) if schedule else None
    inputs = torch.tensor(problem["inputs"])
    kind = {"cross_entropy": "classes", "hinge": "classes", "binary_cross_entropy": "binary"}.get(case["loss"], "numbers")
    targets = torch.tensor(problem[kind])
    if kind == "binary":
        targets = targets.double()
    weights = torch.ones(ROWS)
    if case.get("weighted"):
        weights = torch.tensor(problem["rowWeights"])
    if "classWeights" in case:
        weights = torch.tensor(case["classWeights"], dtype=torch.float64)[targets]
    losses, penalties = [], []
    for _ in range(EPOCHS):
        epoch_loss, epoch_penalty = 0.0, 0.0
        for start in range(0, ROWS, case["batchSize"]):
            rows = slice(start, start + case["batchSize"])
            w = weights[rows]
            optimizer.zero_grad()
            loss = (row_losses(case, network(inputs[rows]), targets[rows]) * w).sum() / w.sum()
            penalty = penalty_of(network, case.get("regularization", {}))
            (loss + penalty).backward()
            clip = case.get("gradientClip", {})
            parameters = [p for p in network.parameters() if p.requires_grad]
            if "norm" in clip:
                torch.nn.utils.clip_grad_norm_(parameters, clip["norm"])
            if "value" in clip:
                torch.nn.utils.clip_grad_value_(parameters, clip["value"])
            optimizer.step()
            epoch_loss += loss.item() * len(w)
            epoch_penalty += float(penalty) * len(w)
            if schedule and schedule["type"] == "per_step":
                scheduler.step()
        losses.append(epoch_loss / ROWS)
        penalties.append(epoch_penalty / ROWS)
        if schedule and schedule["type"] == "reduce_on_plateau":
            scheduler.step(losses[-1])
        elif schedule and schedule["type"] != "per_step":
            scheduler.step()
    return {**case, "losses": losses, "penalties": penalties, "weights": final_weights(network)}


def final_weights(network):
    rounded = lambda tensor: [float(f"{value:.9g}") for value in tensor.detach().flatten().tolist()]
    layers = []
    for index, (weight, bias) in enumerate(zip(network.weights, network.biases)):
        layer = {"weight": rounded(weight), "bias": rounded(bias)}
        if index < len(network.norms):
            norm = network.norms[index]
            layer |= {"gamma": rounded(norm.weight), "beta": rounded(norm.bias)}
            layer |= {"runningMean": rounded(norm.running_mean), "runningVariance": rounded(norm.running_var)}
        layers.append(layer)
    return layers


def main():
    problem = make_problem()
    initial = {str(outputs): make_weights([INPUTS, *HIDDEN, outputs]) for outputs in (1, 3)}
    cases = [run(case, problem, initial) for case in make_cases()]
    document = {"torch": torch.__version__, "problem": problem, "initial": initial}
    head = json.dumps(document)[:-1]
    body = ",\n".join(json.dumps(case) for case in cases)
    path = pathlib.Path(__file__).with_name("trajectories.json")
    path.write_text(f'{head}, "cases": [\n{body}\n]}}\n')
    print(f"{len(cases)} cases, {path.stat().st_size} bytes")


main()
