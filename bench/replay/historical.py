"""Feast's get_historical_features over features that were computed already: prints seconds, CPU seconds and memory as JSON.

Run in a folder of its own with a file: {"views": [{"name", "path", "features": [[name, "int" | "double"], ...]}, ...],
"labels": "...", "label_column": "..."}. A view's file holds its entity's key, named as the view, and event_timestamp.
"""

import json
import resource
import sys
import time
from datetime import timedelta

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource
from feast.types import Float64, Int64
from feast.value_type import ValueType

TYPES = {"int": Int64, "double": Float64}

with open(sys.argv[1], encoding="utf-8") as file:
    given = json.load(file)
with open("feature_store.yaml", "w", encoding="utf-8") as file:
    file.write("project: bench\nregistry: registry.db\nprovider: local\nonline_store: { type: sqlite, path: online.db }\n")
    file.write("offline_store: { type: file }\nentity_key_serialization_version: 3\n")

store = FeatureStore(repo_path=".")
objects = []
for view in given["views"]:
    entity = Entity(name=view["name"], join_keys=[view["name"]], value_type=ValueType.STRING)
    source = FileSource(name=f"{view['name']}_source", path=view["path"], timestamp_field="event_timestamp")
    objects += [
        entity,
        source,
        FeatureView(
            name=f"{view['name']}_delays",
            entities=[entity],
            ttl=timedelta(0),
            schema=[Field(name=name, dtype=TYPES[kind]) for name, kind in view["features"]],
            source=source,
        ),
    ]
store.apply(objects)
names = [f"{view['name']}_delays:{name}" for view in given["views"] for name, _ in view["features"]]

began, cpu = time.perf_counter(), time.process_time()
labels = pd.read_parquet(given["labels"])
rows = store.get_historical_features(entity_df=labels, features=names).to_df()
seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu

# At a label's own time its features are known: each row finds those of its own.
features = [name for view in given["views"] for name, _ in view["features"]]
figures = {
    "seconds": seconds,
    "cpu_seconds": cpu_seconds,
    "events": len(rows),
    "rss_peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "present": int(rows[features].notna().sum().sum()),
    "total": float(rows[[name for name in features if "_sum_" in name]].sum().sum()),
}
print(json.dumps(figures))
