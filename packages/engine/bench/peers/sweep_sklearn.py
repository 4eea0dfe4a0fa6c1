"""W8 with scikit-learn: RandomizedSearchCV over 64 settings of W4, 5 epochs each, one split, a process a core."""
import time

STARTED = time.time()
import os
import sys

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[variable] = "1"
# Its processes take no notice of a filter set here.
os.environ["PYTHONWARNINGS"] = "ignore"

import json
import warnings

import numpy as np
import sklearn
from sklearn.model_selection import RandomizedSearchCV
from sklearn.neural_network import MLPClassifier

from common import WORKLOADS, make_data

warnings.filterwarnings("ignore")
jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 2
workload = WORKLOADS["W4"]
x, y = make_data(workload, workload["samples"])
everything = np.arange(len(x))
network = MLPClassifier(
    tuple(workload["layers"][1:-1]), batch_size=workload["batch"], max_iter=5, tol=0.0, alpha=0.0, random_state=1
)
space = {"learning_rate_init": np.logspace(-4, -2, 64)}
search = RandomizedSearchCV(
    network, space, n_iter=64, n_jobs=jobs, cv=[(everything, everything)], refit=False, random_state=1
)
started = time.time()
search.fit(x, y)
sweep_s = time.time() - started
print(json.dumps({
    "peer": "sklearn",
    "version": sklearn.__version__,
    "workload": "W8",
    "threads": jobs,
    "sweep_s": round(sweep_s, 2),
    "with_start_s": round(started - STARTED + sweep_s, 2),
    "best": round(search.best_score_, 3),
}))
