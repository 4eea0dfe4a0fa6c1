"""W8 with PyTorch: 64 trainings of W4 for 5 epochs, in a pool of processes with one thread each."""
import time

STARTED = time.time()
import json
import multiprocessing
import sys


def trial(rate):
    import torch
    from common import WORKLOADS, make_data
    from peer_torch import build
    torch.set_num_threads(1)
    torch.manual_seed(1)
    workload = WORKLOADS["W4"]
    x, y = (torch.from_numpy(a) for a in make_data(workload, workload["samples"]))
    network = build(workload)
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    for _ in range(5):
        for rows in torch.randperm(len(x)).split(workload["batch"]):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(x[rows]), y[rows]).backward()
            optimizer.step()
    with torch.no_grad():
        return (network(x).argmax(1) == y).float().mean().item()


if __name__ == "__main__":
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    rates = [10 ** (-4 + 2 * i / 63) for i in range(64)]
    started = time.time()
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        scores = pool.map(trial, rates, chunksize=1)
    sweep_s = time.time() - started
    import torch
    print(json.dumps({
        "peer": "torch",
        "version": torch.__version__,
        "workload": "W8",
        "threads": jobs,
        "sweep_s": round(sweep_s, 2),
        "with_start_s": round(started - STARTED + sweep_s, 2),
        "best": round(max(scores), 3),
    }))
