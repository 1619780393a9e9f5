# What people install: the command line, the agents' skill and the editor's extension.
CLIENT_SOURCES = $(shell find clients/skill -type f ! -path '*/__pycache__/*')

test: .venvs/clients/installed

.venvs/clients/installed: .venvs/clients/ready clients/python/pyproject.toml
	@$(UV) pip install --quiet --no-deps --no-build-isolation --python .venvs/clients/bin/python --editable clients/python
	@touch $@

skill: build/minipic-compress.zip ## pack the agents' skill into build/minipic-compress.zip

build/minipic-compress.zip: $(CLIENT_SOURCES) clients/skill/pack.py
	@$(PYTHON) clients/skill/pack.py $@

VSCODE := clients/vscode
VSCODE_PACKAGES := $(VSCODE)/node_modules/.package-lock.json
VSCODE_SOURCES = $(shell find $(VSCODE)/src $(VSCODE)/l10n $(VSCODE)/package.nls*.json -type f) \
  $(addprefix $(VSCODE)/,.vscodeignore README.md esbuild.mjs icon.png package.json)
CHROMIUM ?= /usr/bin/chromium

vsix: build/minipic-vscode.vsix ## pack the VS Code extension into build/minipic-vscode.vsix

$(VSCODE_PACKAGES): $(VSCODE)/package.json $(VSCODE)/package-lock.json
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' && npm --version >/dev/null \
	  || { echo "Node.js 20 or newer is needed, with npm (https://nodejs.org)"; exit 1; }
	@echo "Installing what the extension is built with into $(VSCODE)/node_modules …"
	@cd $(VSCODE) && npm install --no-save --ignore-scripts --no-fund --no-audit --loglevel=error >/dev/null
	@touch $@

build/minipic-vscode.vsix: $(VSCODE_PACKAGES) $(VSCODE_SOURCES)
	@mkdir -p build
	@cd $(VSCODE) && node esbuild.mjs && node_modules/.bin/vsce package --no-dependencies --skip-license \
	  --allow-missing-repository --out ../../$@ >/dev/null
	@echo $@

test-vscode: vsix .venv/run $(NATIVE) ## test the extension, in the end inside a real editor in Chromium; pictures in build/vscode
	@test -x $(CHROMIUM) || { echo "Chromium is missing (Debian: apt-get install chromium), or set CHROMIUM=/path/to/it"; exit 1; }
	@cd $(VSCODE) && npm run --silent check && npm run --silent test
	@$(VSCODE)/host/install.sh build/vscode/host
	@cd $(VSCODE) && CHROMIUM=$(CHROMIUM) node_modules/.bin/vitest run --config test/editor/vitest.config.ts $(ARGS)

.PHONY: skill vsix test-vscode
