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

validate: build ## check the template and what was built
	@$(SAM) validate --lint
	@.venvs/sam/bin/python tools/translate_template.py .aws-sam/translated.json
	@.venvs/sam/bin/cfn-lint --template .aws-sam/translated.json --regions eu-central-1
	@$(BIN)/python tools/check_build.py .aws-sam/build

.PHONY: lock-layers build validate
