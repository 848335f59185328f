"""The real loop, whole, under one seed: scheduler, broker, store and clock are simulated, nothing else is.

`python -m tests.simulation --seed N` runs one seed; `make soak-simulation` runs ten thousand.
"""
