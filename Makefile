# make demo   environment, then the main job on a synthetic cohort: trains, infers, scores, draws
# make test   environment, then every check: format, lint, types, tests

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready

.PHONY: demo test lint clean

demo: $(READY)
	$(RUN) -m medseg.train --bundle brats_unet3d

test: lint
	$(RUN) -m pytest

lint: $(READY)
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy

# torch comes first and pinned: an unpinned one brings gigabytes of CUDA packages.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "medseg needs Python 3.11 or newer; '$(PYTHON)' is older. Install one and give make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --upgrade pip
	$(RUN) -m pip install --quiet -c constraints.txt torch
	$(RUN) -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $(READY)

clean:
	rm -rf $(VENV)
