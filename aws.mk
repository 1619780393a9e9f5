# The AWS home: the layers' locks, the build, and its checks. None of these needs Docker, credentials or AWS.
SAM := UV=$(abspath $(UV)) ZIG=$(abspath .venvs/zig/bin/python) SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=eu-central-1 .venvs/sam/bin/sam
LAYER_PLATFORM := --python-platform aarch64-manylinux_2_28 --python-version 3.13
BUILD_SOURCES = template.yaml samconfig.toml $(shell find functions layers shared -type f ! -name '*.pyc' ! -name _native.so)

lock-layers: $(UV) ## compile the layers' requirements.in to exact versions with hashes
	@for layer in runtime codecs; do \
	  $(UV) pip compile --quiet $(LAYER_PLATFORM) --constraints requirements/run.txt --generate-hashes --no-header \
	    --no-annotate --no-emit-index-url --no-emit-find-links \
	    layers/$$layer/requirements.in -o layers/$$layer/requirements.txt; done

build: .aws-sam/build/template.yaml ## build every function and layer for AWS, in .aws-sam

.aws-sam/build/template.yaml: .venvs/sam/ready .venvs/zig/ready $(BUILD_SOURCES)
	@$(SAM) build --build-dir .aws-sam/build
	@touch $@

validate: build .venv/run .venvs/hadolint/ready ## check the templates, the Dockerfile and what was built
	@.venvs/sam/bin/python -m tools.translate_template .aws-sam/translated.json
	@.venvs/sam/bin/cfn-lint --regions eu-central-1 --template $(wildcard *.yaml) .aws-sam/translated.json
	@.venvs/hadolint/bin/hadolint Dockerfile
	@$(BIN)/python tools/check_build.py .aws-sam/build
	@$(BIN)/python tools/check_secrets.py .aws-sam/build .aws-sam/translated.json $(wildcard *.yaml) samconfig.toml events

e2e-aws: .venv/dev $(NATIVE) .venvs/ministack/ready .venvs/sam/ready .venvs/zig/ready ## deploy to a stand-in for AWS, test there; ARGS="-k name"
	@$(BIN)/python -m pytest -m aws_home tests/deployed --timeout 600 $(ARGS)

smoke: .venv/run ## check a deployment from outside: BASE_URL=https://… KEY=mp_live_…
	@MINIPIC_KEY="$(or $(KEY),$$MINIPIC_KEY)" $(BIN)/python -m tools.smoke $(BASE_URL) $(ARGS)

.PHONY: lock-layers build validate e2e-aws smoke
