"""scikit-learn's MLPClassifier. It has no batch normalization and no dropout: no W7."""
import os
import sys

# The libraries below read these when they are imported.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[variable] = sys.argv[sys.argv.index("--threads") + 1] if "--threads" in sys.argv else "1"

import time
import warnings

from common import WORKLOADS, make_data, read_options, report, since_start
import sklearn
from sklearn.neural_network import MLPClassifier

warnings.filterwarnings("ignore")


class Timed(MLPClassifier):
    """Notes the time at each epoch's end and after the first step."""

    def _update_no_improvement_count(self, *arguments):
        self.marks.append(time.perf_counter())
        return super()._update_no_improvement_count(*arguments)

    def _backprop(self, *arguments):
        if self.first_s is None and self.steps == 1:
            self.first_s = since_start()
        self.steps += 1
        return super()._backprop(*arguments)


options = read_options()
for name in options.workloads.split(","):
    workload = WORKLOADS[name]
    started = time.perf_counter()
    x, y = make_data(workload, workload["samples"])
    made = time.perf_counter() - started
    network = Timed(
        tuple(workload["layers"][1:-1]),
        activation=workload["act"],
        solver="adam" if workload["opt"] == "adam" else "sgd",
        momentum=0.9 if workload["opt"] == "momentum" else 0.0,
        nesterovs_momentum=False,
        alpha=0.0,
        batch_size=workload["batch"],
        learning_rate_init=workload["lr"],
        max_iter=options.epochs + 1,
        tol=0.0,
        n_iter_no_change=10**6,
        random_state=1,
    )
    network.marks, network.first_s, network.steps = [], None, 0
    network.fit(x, y)
    assert network.coefs_[0].dtype == "float32"
    seconds = [after - before for before, after in zip(network.marks, network.marks[1:])]
    losses = network.loss_curve_
    report("sklearn", sklearn.__version__, name, options, seconds, network.first_s - made, losses[-1] / losses[0])
