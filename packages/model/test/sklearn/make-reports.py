"""Writes reports.json: prediction sets and what scikit-learn says of them.

    python3 packages/model/test/sklearn/make-reports.py > packages/model/test/sklearn/reports.json

Made with scikit-learn 1.2.1 and NumPy 1.24.2.
"""
import json
import warnings

import numpy as np
from sklearn import metrics
from sklearn.calibration import calibration_curve

warnings.filterwarnings("ignore")


def number(value):
    return None if value is None or not np.isfinite(value) else float(value)


def averages(labels, predicted, classes, average):
    p, r, f, _ = metrics.precision_recall_fscore_support(
        labels, predicted, labels=range(classes), average=average, zero_division=0
    )
    return {"precision": float(p), "recall": float(r), "f1": float(f)}


def classification(name, labels, scores, are_probabilities=True):
    """scores [rows, classes], or [rows] of the second class."""
    binary = scores.ndim == 1
    classes = 2 if binary else scores.shape[1]
    one_hot = np.eye(classes)[labels]
    if binary:
        other = 1 - scores if are_probabilities else -scores
        table = np.stack([other, scores], axis=1)
    else:
        table = scores
    predicted = table.argmax(axis=1)
    p, r, f, support = metrics.precision_recall_fscore_support(
        labels, predicted, labels=range(classes), zero_division=0
    )
    per_class = []
    for k in range(classes):
        own = one_hot[:, k]
        both = 0 < own.sum() < len(own)
        per_class.append(
            {
                "precision": float(p[k]),
                "recall": float(r[k]),
                "f1": float(f[k]),
                "support": int(support[k]),
                "roc_auc": float(metrics.roc_auc_score(own, table[:, k])) if both else None,
                "pr_auc": float(metrics.average_precision_score(own, table[:, k])) if own.sum() else None,
            }
        )
    known = lambda key: [c[key] for c in per_class if c[key] is not None]
    expected = {
        "accuracy": float(metrics.accuracy_score(labels, predicted)),
        "balanced_accuracy": float(metrics.balanced_accuracy_score(labels, predicted)),
        "classes": per_class,
        "macro": averages(labels, predicted, classes, "macro"),
        "weighted": averages(labels, predicted, classes, "weighted"),
        "confusion": metrics.confusion_matrix(labels, predicted, labels=range(classes)).tolist(),
        "top_k": [
            {"k": k, "accuracy": float(metrics.top_k_accuracy_score(labels, table, k=k, labels=range(classes)))}
            for k in (2, 3, 5)
            if k < classes
        ],
        "roc_auc": per_class[1]["roc_auc"] if classes == 2 else (float(np.mean(known("roc_auc"))) if known("roc_auc") else None),
        "pr_auc": per_class[1]["pr_auc"] if classes == 2 else (float(np.mean(known("pr_auc"))) if known("pr_auc") else None),
        "log_loss": None,
        "brier_score": None,
        "calibration": None,
    }
    if are_probabilities:
        expected["log_loss"] = float(metrics.log_loss(labels, table, labels=range(classes)))
        if classes == 2:
            expected["brier_score"] = float(metrics.brier_score_loss(labels, table[:, 1], pos_label=1))
            right, confidence = labels, table[:, 1]
        else:
            expected["brier_score"] = float(np.mean(((table - one_hot) ** 2).sum(axis=1)))
            right, confidence = (labels == predicted).astype(int), table.max(axis=1)
        shares, means = calibration_curve(right, confidence, n_bins=10, strategy="uniform", pos_label=1)
        expected["calibration"] = [
            {"confidence": float(m), "share_right": float(s)} for s, m in zip(shares, means)
        ]
    return {
        "name": name,
        "areProbabilities": are_probabilities,
        "classes": classes,
        "labels": labels.tolist(),
        "predicted": predicted.tolist(),
        "scores": scores.astype(np.float64).ravel().tolist(),
        "expected": expected,
    }


def regression(name, targets, predictions):
    residuals = targets - predictions
    q = lambda share: float(np.quantile(residuals, share))
    return {
        "name": name,
        "targets": targets.tolist(),
        "predictions": predictions.tolist(),
        "expected": {
            "mse": float(metrics.mean_squared_error(targets, predictions)),
            "rmse": float(metrics.mean_squared_error(targets, predictions, squared=False)),
            "mae": float(metrics.mean_absolute_error(targets, predictions)),
            "median_absolute_error": float(metrics.median_absolute_error(targets, predictions)),
            "max_error": float(metrics.max_error(targets, predictions)),
            "r2": number(metrics.r2_score(targets, predictions)),
            "explained_variance": number(metrics.explained_variance_score(targets, predictions)),
            "residuals": {
                "mean": float(residuals.mean()),
                "std": float(residuals.std()),
                "min": float(residuals.min()),
                "p05": q(0.05),
                "p25": q(0.25),
                "p50": q(0.5),
                "p75": q(0.75),
                "p95": q(0.95),
                "max": float(residuals.max()),
            },
        },
    }


def softmax32(logits):
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32).astype(np.float64)


random = np.random.default_rng(7)
labels = random.integers(0, 7, 150)
clear = softmax32(2 * np.eye(7)[labels] + random.normal(size=(150, 7)))
# Scores on a coarse grid tie, within a row and between rows.
coarse = random.integers(0, 4, (120, 4)).astype(np.float64) + 0.25
coarse /= coarse.sum(axis=1, keepdims=True)
# Class 2 never occurs, class 3 is never predicted.
absent_labels = random.choice([0, 1, 3], 90)
absent = softmax32(np.eye(4)[absent_labels] + random.normal(size=(90, 4)) - [0, 0, 0, 9])
share = lambda logits: (1 / (1 + np.exp(-logits))).astype(np.float32).astype(np.float64)
yes = random.integers(0, 2, 200)
rounded = np.round(share(2 * yes - 1 + random.normal(size=200)), 1).astype(np.float32).astype(np.float64)
targets = random.normal(size=101) * 40 + 300

print(
    json.dumps(
        {
            "classification": [
                classification("seven classes", labels, clear),
                classification("four classes with ties", random.integers(0, 4, 120), coarse),
                classification("a class that never occurs and one that is never taken", absent_labels, absent),
                classification("two classes with ties, some shares 0 and 1", yes, rounded),
                classification("two classes of which one occurs", np.ones(30, dtype=int), share(random.normal(size=30))),
                classification("two classes by raw scores", yes, 2 * yes - 1 + random.normal(size=200), False),
            ],
            "regression": [
                regression("a noisy target", targets, targets + random.normal(size=101) * 9 + 2),
                regression("a constant target that is missed", np.full(6, 4.0), np.array([4.0, 4, 5, 4, 3, 4])),
                regression("a constant target that is met", np.full(3, 0.5), np.full(3, 0.5)),
            ],
        }
    )
)
