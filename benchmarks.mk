# Measurements. They judge ratios, not times: what is slow here is slow everywhere.
bench-http: .venv/dev $(NATIVE) ## measure what HTTP adds to the engine, and memory; ARGS="--json" for scripts
	@$(BIN)/python -m benchmarks.http $(ARGS)

bench-jobs: .venv/dev $(NATIVE) ## measure jobs a second and how long they wait; ARGS="--json"
	@$(BIN)/python -m benchmarks.jobs $(ARGS)

bench-metering: .venv/dev $(NATIVE) .venvs/ministack/ready .venvs/seaweedfs/ready ## measure what a charge costs, and that it does not grow; ARGS="--json"
	@$(BIN)/python -m benchmarks.metering $(ARGS)

bench-limits: .venv/dev $(NATIVE) ## measure memory and time at the engine's limits, and write docs/engine-limits.md; ARGS="--only avif --sizes 100"
	@$(BIN)/python -m benchmarks.engine_limits $(ARGS)

bench-lambda: .venv/dev .venvs/lambda/ready .venvs/sam/ready .venvs/zig/ready .venvs/ministack/ready ## run what is built under Lambda's own runtime, and write docs/lambda-runtime.md; ARGS="--only usage --built"
	@$(BIN)/python -m benchmarks.lambda_runtime $(ARGS)

ONE_THREAD := VIPS_CONCURRENCY=1 OMP_NUM_THREADS=1

bench: .venv/dev .venvs/peers/ready $(NATIVE) ## compare bytes at equal quality with other tools, and write build/bench/index.html; ARGS="--formats jpeg,webp --sample 4"
	@$(ONE_THREAD) $(BIN)/python -m benchmarks.quality $(ARGS)

bench-fast: .venv/dev $(NATIVE) ## find results that became larger or worse than the recorded ones; ARGS=--write records anew
	@$(ONE_THREAD) $(BIN)/python -m benchmarks.quality.fast $(ARGS)

cost: .venv/dev ## tell what 1 000 images cost on AWS; ARGS="--json", "--cpu-seconds 0.8", "--prices FILE"; --measure and --write renew docs/cost.md
	@$(BIN)/python -m benchmarks.cost $(ARGS)

.PHONY: cost bench bench-fast bench-http bench-lambda bench-metering bench-limits bench-jobs
