"""Every metric of the loop, in one place, each explained."""

from prometheus_client import Counter, Gauge, Histogram

RECORDS = Counter("arrears_records", "Kafka records applied, dead letters and repeats included", ["stream"])
BATCH_SECONDS = Histogram(
    "arrears_batch_seconds",
    "Time of one batch's transaction",
    ["stream"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
OUTBOX_WAITING = Gauge("arrears_outbox_waiting", "Committed outbox rows that Kafka has not acknowledged yet", ["shard"])
SHARDS_OWNED = Gauge("arrears_shards_owned", "Shards this process applies", ["stream"])
REJECTED = Counter("arrears_rejected", "Records refused and kept as dead letters", ["stream", "reason"])
SHARD_STOPPED = Gauge("arrears_shard_stopped", "1 while a shard stands still because too much was refused", ["shard"])
