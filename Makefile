# Two commands do everything: `make run` and `make test`. They install what they need, pinned by hash, into .venv.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
INSTALL := $(UV) pip install --quiet --require-hashes --python
SAM_BIN := $(CURDIR)/.venvs/sam/bin
NATIVE := layers/codecs/minipic_engine/_native.so
NATIVE_SOURCES := layers/codecs/build_native.py $(wildcard layers/codecs/native/*)
ZIG := .venvs/zig/bin/python -m ziglang cc

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(UV): requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 …")'
	@$(PYTHON) -m venv .venv || { echo "Python's venv module is missing (Debian: apt-get install python3-venv)"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@touch $@

.venv/run: $(UV) requirements/run.txt pyproject.toml
	@echo "Installing what the service needs into .venv …"
	@$(INSTALL) $(BIN)/python -r requirements/run.txt
	@$(UV) pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	@touch $@

.venv/dev: .venv/run requirements/dev.txt
	@echo "Installing what tests and checks need into .venv …"
	@$(INSTALL) $(BIN)/python -r requirements/dev.txt
	@touch $@

.venvs/%/ready: $(UV) requirements/%.txt
	@echo "Installing $* into .venvs/$* …"
	@$(UV) venv --quiet --clear --python $(BIN)/python .venvs/$*
	@$(INSTALL) .venvs/$*/bin/python -r requirements/$*.txt
	@touch $@

native: $(NATIVE) ## compile the engine's C files for this machine, by cc or, where there is none, by ziglang

ifeq ($(shell command -v $(CC)),)
$(NATIVE): .venvs/zig/ready
endif
$(NATIVE): $(UV) $(NATIVE_SOURCES)
	@$(BIN)/python layers/codecs/build_native.py $@ --compiler "$(if $(shell command -v $(CC)),$(CC),$(ZIG))"

run: .venv/run $(NATIVE) ## start the service on 127.0.0.1:8000 (PORT, MINIPIC_DATA)
	@exec $(BIN)/python -m minipic.local

test: .venv/dev $(NATIVE) .venvs/ministack/ready .venvs/seaweedfs/ready .venvs/sam/ready .venvs/lambda/ready build ## set up and run every test; ARGS="-k name" chooses some
	@$(BIN)/python -m tests.e2e.node_client
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --cov --cov-report= $(ARGS)
	@$(BIN)/python -m coverage report --fail-under=$(if $(ARGS),0,95)

check: .venv/dev ## ruff, mypy strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: .venv/dev ## format the code
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

openapi: .venv/dev ## write the API's description from the endpoints
	@$(BIN)/python -m minipic.openapi

fuzz: .venv/dev $(NATIVE) .venvs/fuzz/ready ## look for inputs that break the engine; SECONDS_EACH=15, TARGETS="decode_png parse_any"
	@PYTHONPATH=.:shared:layers/codecs .venvs/fuzz/bin/python -m fuzz --seconds-each $(or $(SECONDS_EACH),15) $(TARGETS)

sample: .venv/dev ## draw the sample picture again
	@$(BIN)/python tools/make_sample.py

clean: ## forget everything that was installed or built here; data stays
	@rm -rf $(NATIVE) .venv .venvs .aws-sam .cache build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

include aws.mk
include benchmarks.mk
include clients.mk

lock: $(UV) lock-layers ## compile requirements/*.in and the layers' to exact versions with hashes
	@for name in bootstrap run dev clients fuzz hadolint lambda sam ministack peers seaweedfs zig; do \
	  $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links requirements/$$name.in -o requirements/$$name.txt; done

.PHONY: help native run test check format openapi fuzz sample clean lock
