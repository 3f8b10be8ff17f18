# Each target does its own set-up: it needs python3 (3.11 or later), make and git, and does nothing twice.

.PHONY: help demo test check bench lock clean
.DEFAULT_GOAL := help

# Nothing here may spend money: no target sees a key.
unexport $(filter %_API_KEY,$(.VARIABLES))

help:
	@echo "make demo    run the demo study and say where its report is"
	@echo "make test    run all tests"
	@echo "make check   formatting, lint, types, and which file may import which"
	@echo "make bench   compare with bare loops that do the same work"
	@echo "make lock    pin the requirements anew"
	@echo "make clean   remove .venv and caches; studies and their answers stay"

demo:
	@sh scripts/environment.sh demo
	@.venv/bin/buttermilk demo

test:
	@sh scripts/environment.sh dev
	@sh scripts/environment.sh torch
	@sh scripts/environment.sh oracles
	@sh scripts/programs.sh
	@.venv/bin/python -m pytest -n 2

check:
	@sh scripts/environment.sh dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

bench:
	@sh scripts/environment.sh dev
	@.venv/bin/python bench/compare.py

lock:
	@sh scripts/environment.sh build
	@sh scripts/lock.sh

clean:
	rm -rf .venv .venv-oracles .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
