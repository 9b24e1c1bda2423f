"""Reads the features of some flights and prints them as a model would get them.

    pip install -r requirements.txt && python score.py http://127.0.0.1:8080
"""

import json
import os
import sys

from features import FeatureClient, FeatureError

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"
timeout_s = float(sys.argv[2]) / 1_000 if len(sys.argv) > 2 else 1.0
client = FeatureClient(url, key=os.environ.get("SKEWLESS_KEY"), timeout_s=timeout_s)
flight = {"dest": "LAX", "carrier": "B6", "tailnum": "N583JB", "scheduled_hour": 17, "distance": 2475}

try:
    found = client.features(
        "departure_delay",
        [{"origin": "JFK", **flight}, {"origin": "LGA", **flight}],
        ["departures_24h", "delay_mean_24h", "evening_rush"],
    )
except FeatureError as error:
    sys.exit(f"{error}: {error.problem}")
matrix = [None if value != value else value for value in found.matrix.ravel().tolist()]
print(json.dumps({"names": found.names, "rows": found.matrix.shape[0], "matrix": matrix}))
