"""Accuracies of scikit-learn's classifiers with their defaults on standardized splits: a list of splits in, scores out."""
import json
import sys
import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
scores = {"MLPClassifier": [], "LogisticRegression": []}
for seed, split in enumerate(json.load(open(sys.argv[1], encoding="utf-8"))):
    x, y = np.array(split["training"]["inputs"]), np.array(split["training"]["targets"])
    held_x, held_y = np.array(split["validation"]["inputs"]), np.array(split["validation"]["targets"])
    for name, model in (
        ("MLPClassifier", MLPClassifier(random_state=seed)),
        ("LogisticRegression", LogisticRegression()),
    ):
        fitted = make_pipeline(StandardScaler(), model).fit(x, y)
        scores[name].append(float(fitted.score(held_x, held_y)))
print(json.dumps(scores))
