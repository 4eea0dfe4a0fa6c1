"""Optuna's samplers and pruners on the objective that the searches of a sweep are compared on.

The trainings are ours, by `train-trials.ts` in a process beside this one: only the search differs. A pruned trial counts with
the epochs before it was stopped, and its best value counts as any other's, as in a sweep.
Usage: python3 optuna_search.py <seeds> <trials> <epochs> <command of the trainer ...>; prints JSON.
"""
import json
import subprocess
import sys
import warnings

import optuna

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
SEEDS, TRIALS, EPOCHS = (int(word) for word in sys.argv[1:4])
trainer = subprocess.Popen(sys.argv[4:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
PARAMETERS = json.loads(trainer.stdout.readline())
REDUCTION = 3

SEARCHES = {
    "Optuna RandomSampler": (lambda seed: optuna.samplers.RandomSampler(seed=seed), None),
    "Optuna TPESampler": (lambda seed: optuna.samplers.TPESampler(seed=seed), None),
    "Optuna TPESampler, multivariate": (
        lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True), None),
    "Optuna RandomSampler, MedianPruner": (
        lambda seed: optuna.samplers.RandomSampler(seed=seed), optuna.pruners.MedianPruner()),
    "Optuna RandomSampler, SuccessiveHalvingPruner": (
        lambda seed: optuna.samplers.RandomSampler(seed=seed),
        optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=REDUCTION)),
    "Optuna RandomSampler, HyperbandPruner": (
        lambda seed: optuna.samplers.RandomSampler(seed=seed),
        optuna.pruners.HyperbandPruner(min_resource=1, max_resource=EPOCHS, reduction_factor=REDUCTION)),
}
trained = {}


def train(params):
    line = json.dumps(params)
    if line not in trained:
        trainer.stdin.write(line + "\n")
        trainer.stdin.flush()
        trained[line] = json.loads(trainer.stdout.readline())
    return trained[line]


def draw(trial):
    params = {}
    for name, parameter in PARAMETERS.items():
        if "values" in parameter:
            # Lists cannot be categories.
            texts = [json.dumps(value) for value in parameter["values"]]
            params[name] = json.loads(trial.suggest_categorical(name, texts))
            continue
        kind = parameter["distribution"]
        suggest = trial.suggest_int if kind.startswith("int_") else trial.suggest_float
        params[name] = suggest(name, parameter["min"], parameter["max"], log="log" in kind)
    return params


def search(seed, make_sampler, pruner):
    study = optuna.create_study(sampler=make_sampler(seed), pruner=pruner or optuna.pruners.NopPruner())
    lowest, epochs = float("inf"), 0
    for _ in range(TRIALS):
        trial = study.ask()
        answer = train(draw(trial))
        best, pruned = float("inf"), False
        for epoch, loss in enumerate(answer["losses"], start=1):
            epochs += 1
            best = min(best, loss)
            trial.report(best, epoch)
            pruned = epoch < EPOCHS and trial.should_prune()
            if pruned:
                break
        if answer["diverged"] and not pruned:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            continue
        lowest = min(lowest, best)
        if pruned:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, best)
    return lowest, epochs


searches = []
for name, (make_sampler, pruner) in SEARCHES.items():
    results = [search(seed, make_sampler, pruner) for seed in range(SEEDS)]
    searches.append({"name": name, "losses": [loss for loss, _ in results], "epochs": [epochs for _, epochs in results]})
    print(f"{name}: done", file=sys.stderr)
trainer.stdin.close()
trainer.wait()
print(json.dumps({"optuna": optuna.__version__, "trials": TRIALS, "epochs": EPOCHS, "searches": searches}))
