"""Registers one feature view and one feature service with Feast, and writes the values of all cards to its online store.

Run in the folder that holds feature_store.yaml, with a file: {"features": [[name, "int" | "double"], ...],
"rows": [[card, value, ...], ...], "event_time": "..."}.
"""

import json
import sys
from datetime import timedelta

import pandas as pd
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource
from feast.types import Float64, Int64
from feast.value_type import ValueType

ROWS_AT_A_TIME = 1_000
TYPES = {"int": (Int64, "Int64"), "double": (Float64, "float64")}

with open(sys.argv[1], encoding="utf-8") as file:
    given = json.load(file)
features = given["features"]

card = Entity(name="card", join_keys=["card"], value_type=ValueType.STRING)
# Never read: values are written to the online store below.
source = FileSource(name="payments", path="never-read.parquet", timestamp_field="event_timestamp")
spend = FeatureView(
    name="spend",
    entities=[card],
    ttl=timedelta(0),
    schema=[Field(name=name, dtype=TYPES[kind][0]) for name, kind in features],
    source=source,
)
store = FeatureStore(repo_path=".")
store.apply([card, source, spend, FeatureService(name="spend", features=[spend])])

frame = pd.DataFrame(given["rows"], columns=["card", *(name for name, _ in features)])
for name, kind in features:
    frame[name] = frame[name].astype(TYPES[kind][1])
frame["event_timestamp"] = pd.to_datetime(given["event_time"])
for begin in range(0, len(frame), ROWS_AT_A_TIME):
    store.write_to_online_store("spend", frame.iloc[begin : begin + ROWS_AT_A_TIME])
