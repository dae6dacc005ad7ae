# Commands for people and for .ci/run. `make demo` and `make test` set up what they need.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TORCH := $(shell sed -n 's/.*"\(torch==[^"]*\)".*/\1/p' pyproject.toml)
# An extra package index to take torch from, where the usual one offers only builds with CUDA: make install TORCH_INDEX=URL
TORCH_INDEX ?=
# Set to 1 to accept the builds with CUDA (several gigabytes).
ALLOW_CUDA ?=
INPUT ?=
DEMO_DIR ?= demo
# Configuration to start from: make demo PRESET=diffusion-small
PRESET ?=

.PHONY: help install demo sheets test check lint types format clean

help: ## Show the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile

install: $(STAMP) ## Make .venv with everything in it

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; name one: make PYTHON=python3.12" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	PYTHON=$(BIN)/python TORCH='$(TORCH)' TORCH_INDEX='$(TORCH_INDEX)' ALLOW_CUDA='$(ALLOW_CUDA)' sh scripts/install-torch.sh
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@# Alone: it asks for a second OpenCV wheel, whose files would replace those of the first. What else it needs is there.
	$(BIN)/python -m pip install --quiet --no-deps 'rtmlib>=0.0.16'
	@touch $(STAMP)

demo: $(STAMP) ## Replace the people of a clip: make demo INPUT=clip.mp4 PRESET=fast
	$(BIN)/bodydouble demo $(if $(INPUT),--input '$(INPUT)') $(if $(PRESET),--preset '$(PRESET)') --output '$(DEMO_DIR)'

sheets: $(STAMP) ## Contact sheets and videos of results: make sheets CLIPS="ORIGINAL=RESULT ..." OUT=DIR
	$(BIN)/python benchmarks/doubles_bars.py $(CLIPS) --sheets-only --out '$(or $(OUT),sheets)'

test: $(STAMP) ## Run the tests that need no recorded clips and no patience
	BODYDOUBLE_DATA= $(BIN)/python -m pytest -m 'not slow'

check: lint types test ## Everything a change must pass

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

format: $(STAMP) ## Rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove what tools left behind, keep .venv
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache
