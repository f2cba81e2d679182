# Everyday tasks. `make demo` and `make test` set up whatever is missing first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

BUILD_INPUTS := setup.py pyproject.toml constraints.txt $(sort $(wildcard csrc/*.cpp csrc/*.h))

.PHONY: demo test test-fast setup lint types sanitize bench clean

demo: setup
	$(BIN)/move37 demo

PYTEST := $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadgroup

test: setup lint types
	$(PYTEST)

# Without the tests of more than ten seconds: whole runs, the terminal app, deep counts.
test-fast: setup lint types
	$(PYTEST) -m 'not slow'

setup: $(VENV)/ready

# The stamp is newer than everything that the set-up is made from, or the set-up runs again.
$(VENV)/ready: $(BUILD_INPUTS)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt setuptools wheel pybind11
	MOVE37_DEVELOP=1 $(PIP) install --quiet --constraint constraints.txt --no-build-isolation --editable '.[charts,dev]'
	$(BIN)/move37 doctor
	touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

sanitize:
	tests/sanitize/run

bench: setup
	$(BIN)/move37 bench
	$(BIN)/pytest tests/benchmarks --benchmark-enable --benchmark-only

clean:
	rm -rf $(VENV) build *.egg-info mcts/_core*.so
