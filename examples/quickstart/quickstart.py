"""The main job from Python, with the standard library alone.

Usage: npm start in one terminal, then `python3 examples/quickstart/quickstart.py` in another.
"""

import csv
import json
import os
import urllib.request

home = os.environ.get("TRAINYARD_HOME", ".trainyard")
with open(f"{home}/credentials.json") as file:
    credentials = json.load(file)


def call(method, path, body=None, content_type="application/json"):
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(
        credentials["base_url"] + path,
        data=data,
        method=method,
        headers={"Authorization": f"Bearer {credentials['api_key']}", "Content-Type": content_type},
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)


with open("data/wine.csv", "rb") as file:
    dataset = call("POST", "/v1/datasets?name=wine&target=cultivar", file.read(), "text/csv")
print(f"{dataset['rows']} rows, {len(dataset['columns'])} columns, {dataset['task']} of {dataset['target']}")

job = call("POST", "/v1/jobs", {"name": "wine", "dataset_id": dataset["id"], "seed": 3})
while job["status"] not in ("succeeded", "failed", "cancelled"):
    # Answers at once when something has changed, and after ten seconds at the latest.
    job = call("GET", f"/v1/jobs/{job['id']}?wait=10")
    print(f"{job['status']}, epoch {job['epoch']} of {job['resolved_config']['training']['epochs']}")
print(f"validation accuracy {job['best']['metrics']['val_accuracy']} in epoch {job['best']['epoch']}")

with open("data/wine.csv") as file:
    record = {name: float(value) for name, value in next(csv.DictReader(file)).items() if name != "cultivar"}
answer = call("POST", f"/v1/jobs/{job['id']}/predict", {"records": [record]})
print(f"the first wine is of cultivar {answer['predictions'][0]['label']}")
