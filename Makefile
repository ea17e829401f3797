# make demo   the environment, then the main job on synthetic data; ends with the path of the run folder
# make test   the environment, then lint, types and tests
# make lint   the environment, then lint and types
#
# Another Python than the one found first: make demo PYTHON=/path/to/python3.12

PYTHON ?= $(firstword $(shell command -v python3.11) $(shell command -v python3) python3)
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help demo test lint environment

help:
	@sed -n 's/^# //p;/^$$/q' Makefile

demo: environment
	@$(BIN)/python -m medseg.train --bundle brats_unet3d

# One process of tests for each core, and one thread each: threads that wait for each other are slower than none.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical

lint: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

environment: $(READY)

# torch first and alone: with its version fixed, nothing installed later can bring another one.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "medseg needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | head -n 1)." >&2; \
	  echo "Install one, or name it: make $(or $(MAKECMDGOALS),demo) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version). The first time takes some minutes and about 2 GB."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt "$$(grep '^torch==' constraints.txt)"
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $(READY)
