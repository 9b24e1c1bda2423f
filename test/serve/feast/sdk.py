"""Feast's SDK against a running server: `online_store: {type: remote}`, and nothing else that is ours.

Run in the folder of feature_store.yaml; prints what it saw, as JSON.
"""

import json
import logging
import time
import warnings

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)

import pandas as pd
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, PushSource
from feast.types import Float64, String
from feast.value_type import ValueType

store = FeatureStore(repo_path=".")
airport = Entity(name="airport", join_keys=["origin"], value_type=ValueType.STRING)
# Never read: there is nothing offline here.
batch = FileSource(name="batch", path="never-read.parquet", timestamp_field="event_timestamp")
push_source = PushSource(name="departures_push", batch_source=batch)
departures = FeatureView(
    name="departures",
    entities=[airport],
    schema=[Field(name="delay", dtype=Float64), Field(name="carrier", dtype=String)],
    source=push_source,
)
store.apply([airport, batch, push_source, departures])

JFK_LGA = [{"origin": "JFK"}, {"origin": "LGA"}, {"origin": "nowhere"}]
LISTED = ["delays:departures_24h", "delays:delay_mean_24h", "delays:recent_24h", "winds:wind_24h"]


def raised(call):
    try:
        call()
    except Exception as error:
        return [type(error).__module__, type(error).__name__, str(error)]
    return None


def statuses(response):
    names = response.proto.metadata.feature_names.val
    return {name: list(result.statuses) for name, result in zip(names, response.proto.results)}


seen = {}
listed = store.get_online_features(features=LISTED, entity_rows=JFK_LGA)
seen["listed"] = listed.to_dict()
seen["statuses"] = statuses(listed)
seen["kinds"] = [[value.WhichOneof("val") for value in result.values] for result in listed.proto.results]
seen["full"] = store.get_online_features(
    features=LISTED[:1], entity_rows={"origin": ["JFK"]}, full_feature_names=True
).to_dict()
service = FeatureService(name="departure_delay", features=[])
seen["service"] = store.get_online_features(
    features=service, entity_rows=[{"origin": "JFK", "scheduled_hour": 17}]
).to_dict()
seen["data_frame"] = list(listed.to_df().columns)

seen["unknown_service"] = raised(
    lambda: store.get_online_features(FeatureService(name="departure_dela", features=[]), JFK_LGA)
)
seen["unknown_view"] = raised(lambda: store.get_online_features(["dela:departures_24h"], JFK_LGA))
seen["unknown_feature"] = raised(lambda: store.get_online_features(["delays:departures_25h"], JFK_LGA))
seen["forbidden"] = raised(lambda: store.get_online_features(["secrets:amount"], [{"origin": "JFK"}]))
seen["invalid"] = raised(lambda: store.get_online_features(LISTED, [{"origin": 3}]))

frame = pd.DataFrame(
    {
        "origin": ["JFK", "JFK"],
        "delay": [12.0, None],
        "carrier": ["B6", "AA"],
        "event_timestamp": pd.to_datetime(["2013-01-31T17:00:00.000", "2013-01-31T17:00:00.250"]),
    }
)
seen["refused_push"] = raised(lambda: store.push("departures_push", frame.assign(origin=["JFK", None])))
store.push("departures_push", frame)
deadline = time.monotonic() + 20
while time.monotonic() < deadline:
    pushed = store.get_online_features(["delays:departures_24h", "delays:recent_24h"], [{"origin": "JFK"}]).to_dict()
    if pushed["departures_24h"] != seen["listed"]["departures_24h"][:1]:
        break
    time.sleep(0.05)
seen["pushed"] = pushed
print(json.dumps(seen))
