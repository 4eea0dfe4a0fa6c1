"""Shared by the peers in Python: workloads, synthetic data, timing, the line of results."""
import argparse
import json
import os
import resource
import statistics

import numpy as np

FOLDER = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(FOLDER, "workloads.json")) as file:
    WORKLOADS = json.load(file)
SEED, MULTIPLIER, INCREMENT = 12345, 1664525, 1013904223


def lcg(count):
    """The first states after SEED of x -> MULTIPLIER x + INCREMENT mod 2^32, by doubling."""
    x = np.empty(count, np.uint32)
    x[0] = (MULTIPLIER * SEED + INCREMENT) & 0xFFFFFFFF
    have, a, c = 1, MULTIPLIER, INCREMENT
    while have < count:
        take = min(have, count - have)
        x[have:have + take] = x[:take] * np.uint32(a) + np.uint32(c)
        have += take
        a, c = a * a & 0xFFFFFFFF, (a * c + c) & 0xFFFFFFFF
    return x


def make_data(workload, samples):
    """Inputs in [-1, 1) and labels: the same numbers as common.ts makes."""
    inputs, outputs = workload["layers"][0], workload["layers"][-1]
    if workload["data"] == "xor":
        i = np.arange(samples) % 4
        return np.stack([i & 1, i >> 1], 1).astype(np.float32), ((i & 1) ^ (i >> 1)).astype(np.int64)
    states = (lcg(samples * inputs) >> np.uint32(8)).astype(np.float32)
    x = (states * np.float32(2.0**-23) - np.float32(1)).reshape(samples, inputs)
    if workload["data"] == "quadrant":
        return x, (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    return x, x[:, :outputs].argmax(1).astype(np.int64)


def epoch_flops(workload, samples):
    """Matrix products only: forward, weight gradient, and input gradient of all layers but the first."""
    widths = workload["layers"]
    products = [a * b for a, b in zip(widths, widths[1:])]
    return 2.0 * samples * (3 * sum(products) - products[0])


def since_start():
    """Seconds since the process began."""
    with open("/proc/self/stat") as stat, open("/proc/uptime") as uptime:
        ticks = float(stat.read().rsplit(")", 1)[1].split()[19])
        return float(uptime.read().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("workloads", help="comma-separated, such as W1,W4")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=5, help="timed ones, after one to warm up")
    return parser.parse_args()


def report(peer, version, name, options, epoch_seconds, start_s, loss_ratio):
    workload = WORKLOADS[name]
    samples, median = workload["samples"], statistics.median(epoch_seconds)
    print(json.dumps({
        "peer": peer,
        "version": version,
        "workload": name,
        "threads": options.threads,
        "epoch_s": digits(median),
        "gflops": digits(epoch_flops(workload, samples) / median / 1e9),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "start_s": digits(start_s),
        "samples": samples,
        "loss_ratio": digits(loss_ratio),
    }), flush=True)


def digits(value):
    return float("%.4g" % value)
