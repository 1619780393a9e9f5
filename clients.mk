# What people install: the command line and the agents' skill.
CLIENT_SOURCES = $(shell find clients/skill -type f ! -path '*/__pycache__/*')

test: .venvs/clients/installed

.venvs/clients/installed: .venvs/clients/ready clients/python/pyproject.toml
	@$(UV) pip install --quiet --no-deps --no-build-isolation --python .venvs/clients/bin/python --editable clients/python
	@touch $@

skill: build/minipic-compress.zip ## pack the agents' skill into build/minipic-compress.zip

build/minipic-compress.zip: $(CLIENT_SOURCES) clients/skill/pack.py
	@$(PYTHON) clients/skill/pack.py $@

.PHONY: skill
