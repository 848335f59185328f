# What one does with this project. Everything it needs besides Python 3.11 goes into .venv, made when first needed.

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
export VENV PYTHON

CLOCK := system
PARTITIONS := 2
JOBS := 2
SEEDS := 10000
OUTAGE_S := 600
EVENTS := 1000000
FAULTS := 200
TIMES := 30

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo live test soak-simulation soak-properties soak-outages soak-chaos real-data bench-ingest \
	bench-scaling bench-latency bench-recovery bench-memory bench-decisions bench-strategy bench-peers mutants \
	check events lock up down compose-check clean-local clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# CUSTOMERS, MONTHS, SEED and KEEP reach the demo as they are given to make.
demo: $(VENV)/local.installed  ## a lender's year on the real system, then the report; CUSTOMERS= MONTHS= SEED= KEEP=0
	@$(BIN)/python -m deploy.local.demo

live: $(VENV)/local.installed  ## the system until Ctrl-C, addresses in .local/addresses.json; CLOCK=simulated PARTITIONS=
	@$(BIN)/python -m deploy.local.live --clock $(CLOCK) --partitions $(PARTITIONS)

# Many tests wait for a broker's sessions and for processes: three runs on two processors fill the waits of each other.
# In the order of the folders, so that the many small files of tests/unit come last and no long one is left over.
test: JOBS := 3
test: $(VENV)/dev.installed  ## every test, on real Kafka and PostgreSQL; JOBS= side by side, ARGS= for pytest
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

soak-simulation: $(VENV)/dev.installed  ## the loop under ten thousand seeds of faults; SEEDS=
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS)

soak-properties: $(VENV)/dev.installed  ## the ledger's properties on 102,000 examples, 3,400 of which are in every test run; TIMES=
	@ARREARS_TEST_EXAMPLES_TIMES=$(TIMES) $(BIN)/python -m pytest --timeout 0 -n 2 --durations 0 tests/property/test_ingest_*.py

bench-ingest: $(VENV)/dev.installed  ## the ledger's benches: throughput, day close, re-assessment, age of accounts
	@for bench in ingest_throughput day_close reassessment account_age; do $(BIN)/python -m tests.bench.$$bench || exit; done

bench-scaling: $(VENV)/dev.installed  ## ingest by partitions and replicas; ARGS=
	@$(BIN)/python -m tests.bench.scaling $(ARGS)

bench-latency: $(VENV)/dev.installed  ## from a fact to its status, and to the SMS at the gateway, at half load; ARGS=
	@$(BIN)/python -m tests.bench.latency $(ARGS)

bench-recovery: $(VENV)/dev.installed  ## SIGKILL of a consumer under load; ARGS=
	@$(BIN)/python -m tests.bench.recovery $(ARGS)

bench-memory: $(VENV)/dev.installed  ## resident memory of the services; ARGS="--minutes 60" for an hour
	@$(BIN)/python -m tests.bench.memory $(ARGS)

bench-decisions: $(VENV)/dev.installed  ## decisions of strategy and of the gate a second; ARGS=
	@$(BIN)/python -m tests.bench.decisions $(ARGS)

soak-outages: $(VENV)/dev.installed  ## database and broker gone for ten minutes each; OUTAGE_S=
	@ARREARS_TEST_OUTAGE_S=$(OUTAGE_S) $(BIN)/python -m pytest tests/integration/messaging/test_outages.py -k comes_back

soak-chaos: $(VENV)/dev.installed  ## the whole system under SIGKILL and SIGSTOP against a quiet run; EVENTS= FAULTS= SEED=
	@$(BIN)/python -m tests.chaos --events $(EVENTS) --faults $(FAULTS) --seed $(or $(SEED),7)

bench-strategy: $(VENV)/dev.installed  ## what strategy's batches and decisions cost
	@$(BIN)/python -m tests.bench.strategy_days

bench-peers: $(VENV)/dev.installed $(VENV)-peers/peers.installed  ## the loop against other frameworks, one run; FACTS=
	@$(BIN)/python -m tests.bench.peers $(if $(FACTS),--facts $(FACTS))

$(VENV)-peers/%.installed: requirements/%.txt
	@VENV=$(VENV)-peers deploy/local/install $<
	@touch $@

mutants: $(VENV)-mutants/mutants.installed  ## the ledger's rules got wrong in one place each, against their tests; JOBS= ARGS=--again
	@$(VENV)-mutants/bin/python -m tests.mutation --jobs $(JOBS) $(ARGS)

$(VENV)-mutants/%.installed: requirements/%.txt
	@VENV=$(VENV)-mutants deploy/local/install $<
	@touch $@

real-data: $(VENV)/dev.installed  ## all fines and cards of ../shared/data through Kafka and ingest; ARREARS_TEST_DATA=
	@ARREARS_TEST_WHOLE=1 $(BIN)/python -m pytest tests/realdata tests/integration/ingest/test_real_data.py

check: $(VENV)/dev.installed  ## ruff, mypy, import rules, generated documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m shared.contracts check
	$(BIN)/python -m services.reporting dictionary --check
	$(BIN)/python -m services.ingest packs --check

events: $(VENV)/local.installed  ## write docs/events, docs/reporting.md and docs/policies anew
	@$(BIN)/python -m shared.contracts write
	@$(BIN)/python -m services.reporting dictionary
	@$(BIN)/python -m services.ingest packs

UV := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade)
lock: $(VENV)/lock.installed  ## resolve requirements/*.in and Kafka's jars anew; UPGRADE=1 for newer versions
	@for set in services local mailbox dev mutants lock; do $(UV) requirements/$$set.in -o requirements/$$set.txt; done
	@$(UV) --no-strip-extras requirements/peers.in -o requirements/peers.txt
	@$(BIN)/python -m deploy.local.fetching lock

up: .env .secrets  ## the same system as containers
	docker compose up --build --wait

down:  ## stop the containers; the data stays
	docker compose down

compose-check: $(VENV)/dev.installed  ## prove the compose file on an engine: up, the main story, down
	@$(BIN)/python -m tests.e2e.compose_check

clean-local: $(VENV)/local.installed  ## remove the data of the live system and the demo
	@$(BIN)/python -m deploy.local.folder

clean: clean-local  ## and the virtual environment and caches
	@rm -rf $(VENV) $(VENV)-mutants .mutants.json .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/%.installed: requirements/%.txt
	@deploy/local/install $<
	@touch $@

# What tests need includes what the local system needs.
$(VENV)/dev.installed: requirements/dev.txt
	@deploy/local/install $<
	@touch $@ $(VENV)/local.installed

.env:
	cp .env.example .env

.secrets:
	deploy/compose/new-secrets
