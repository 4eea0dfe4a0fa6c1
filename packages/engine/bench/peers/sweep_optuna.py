"""W8 with Optuna: 64 trials of W4 for 5 epochs, the learning rate chosen by its default sampler, two trials at a time.

Optuna's own way of two at a time is threads in one process. `--model sklearn|torch` says who trains.
"""
import time

STARTED = time.time()
import os
import sys

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[variable] = "1"

import json
import warnings

import optuna

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 2
model = sys.argv[sys.argv.index("--model") + 1] if "--model" in sys.argv else "torch"

if model == "torch":
    from sweep_torch import trial as train
else:
    from sklearn.neural_network import MLPClassifier
    from common import WORKLOADS, make_data
    workload = WORKLOADS["W4"]
    x, y = make_data(workload, workload["samples"])

    def train(rate):
        network = MLPClassifier(
            tuple(workload["layers"][1:-1]), batch_size=workload["batch"], max_iter=5, tol=0.0, alpha=0.0,
            random_state=1, learning_rate_init=rate,
        )
        return network.fit(x, y).score(x, y)


def objective(trial):
    return train(trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True))


if __name__ == "__main__":
    started = time.time()
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=1))
    study.optimize(objective, n_trials=64, n_jobs=jobs)
    sweep_s = time.time() - started
    print(json.dumps({
        "peer": f"optuna with {model}",
        "version": optuna.__version__,
        "workload": "W8",
        "threads": jobs,
        "sweep_s": round(sweep_s, 2),
        "with_start_s": round(started - STARTED + sweep_s, 2),
        "best": round(study.best_value, 3),
    }))
