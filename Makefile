# Everything that is done with this checkout. `make demo` is the first thing to try; the rest installs what it needs.
#
#   make venv     .venv with the product and all that tests need, from pyproject.toml and constraints.txt
#   make demo     a bundled project, end to end, with the bundled model
#   make test     the whole test suite
#   make check    lint, format, types, import contracts
#   make bench    the measured promises: prints figures, asserts nothing (half an hour; BENCH=report_budget runs one)
#   make gpu      the whole suite with CUDA, and the measurements that need an NVIDIA GPU (fetches TRL: 7 GB)
#   make interop  exports run by the tools they are for: llama.cpp, LLaMA-Factory, TRL, Axolotl (most of an hour)
#   make clean    what can be built again

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$name && break; done)
EXTRAS ?= offline,dev
WORKERS ?= 2
PACKAGES := advisor baselines finetune reports
BENCH ?= $(filter-out gpu% __init__,$(sort $(basename $(notdir $(wildcard tests/bench/*.py)))))
GPU_BENCH := $(sort $(basename $(notdir $(wildcard tests/bench/gpu*.py))))
BIN := .venv/bin
INSTALLED := .venv/.installed
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check

export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: help venv demo test check bench gpu interop clean

help:
	@sed -n '3,10s/^# *//p' Makefile

venv: $(INSTALLED)

# torch first and alone, from the constraints: a resolver that starts with the other packages may fetch it twice.
$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed (with venv); name it: make venv PYTHON=/path/to/python" >&2; exit 3; }
	@echo "Installing into .venv with $$($(PYTHON) -V) and the extras $(EXTRAS): a few minutes the first time"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install -c constraints.txt torch==2.13.0
	@$(PIP) install -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@
	@echo "Installed: $(BIN)/advisor"

demo: $(INSTALLED)
	@$(BIN)/advisor demo

# Two processes with one thread each: the suite in little more than half the time, on the two cores that it is made for.
test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --dist loadfile

# All four speak, also where one fails.
check: $(INSTALLED)
	@failed=; \
	$(BIN)/ruff check $(PACKAGES) tests || failed="$$failed ruff-check"; \
	$(BIN)/ruff format --check $(PACKAGES) tests || failed="$$failed ruff-format"; \
	$(BIN)/mypy --explicit-package-bases $(PACKAGES) tests || failed="$$failed mypy"; \
	$(BIN)/lint-imports || failed="$$failed lint-imports"; \
	test -z "$$failed" || { echo "make check failed:$$failed" >&2; exit 1; }

# A script that ends with 3 lacks something here (public data, a peer) and says what; the others must end well.
bench: $(INSTALLED)
	@failed=; for name in $(BENCH); do \
		printf '\n== %s\n' $$name; $(BIN)/python -m tests.bench.$$name; code=$$?; \
		if [ $$code -eq 3 ]; then echo "$$name: not measured here"; elif [ $$code -ne 0 ]; then failed="$$failed $$name"; fi; \
	done; test -z "$$failed" || { echo "did not end well:$$failed" >&2; exit 1; }

# First what is marked gpu, alone on the card: it fills it. Then the whole rest of the suite, which sees the card too: runs
# of the product use it, tests that pin the processor do not. Then the measurements, with TRL in an environment of its own
# where it can be installed. What fails is said at the end; nothing keeps the rest from running.
gpu: $(INSTALLED)
	@if ! $(BIN)/python -c 'import sys; from advisor.hardware import describe; sys.exit(not describe().gpus)'; then \
		echo "No NVIDIA GPU on this machine: nothing was tested or measured. Run make gpu where there is one."; exit 0; \
	fi; \
	if ! $(BIN)/python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then \
		echo "There is a GPU, but the installed torch does not use it: install a build with CUDA." >&2; exit 3; \
	fi; \
	$(BIN)/python -c 'from advisor.hardware import describe; print(describe().words())'; failed=; \
	$(BIN)/pytest -m gpu || failed="$$failed tests-marked-gpu"; \
	OMP_NUM_THREADS=1 $(BIN)/pytest -m "not gpu and not interop" -n $(WORKERS) --dist loadfile || failed="$$failed suite"; \
	$(BIN)/python -m tests.interop.environments .interop trl && export BENCH_TRL=$(CURDIR)/.interop/trl/bin/python; \
	for name in $(GPU_BENCH); do printf '\n== %s\n' $$name; $(BIN)/python -m tests.bench.$$name || failed="$$failed $$name"; done; \
	test -z "$$failed" || { echo "make gpu failed:$$failed" >&2; exit 1; }

# Environments of their own: those tools want other versions than ours, and compile or fetch for long.
interop: $(INSTALLED)
	@$(BIN)/python -m tests.interop.environments .interop
	@ADVISOR_INTEROP=$(CURDIR)/.interop $(BIN)/pytest tests/interop -m interop -s

clean:
	rm -rf .interop .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +
