# Measurements. They judge ratios, not times: what is slow here is slow everywhere.
bench-http: .venv/dev $(NATIVE) ## measure what HTTP adds to the engine, and memory; ARGS="--json" for scripts
	@$(BIN)/python -m benchmarks.http $(ARGS)

bench-metering: .venv/dev $(NATIVE) .venvs/ministack/ready .venvs/seaweedfs/ready ## measure what a charge costs, and that it does not grow; ARGS="--json"
	@$(BIN)/python -m benchmarks.metering $(ARGS)

bench-limits: .venv/dev $(NATIVE) ## measure memory and time at the engine's limits, and write docs/engine-limits.md; ARGS="--only avif --sizes 100"
	@$(BIN)/python -m benchmarks.engine_limits $(ARGS)

ONE_THREAD := VIPS_CONCURRENCY=1 OMP_NUM_THREADS=1

bench: .venv/dev .venvs/peers/ready $(NATIVE) ## compare bytes at equal quality with other tools, and write build/bench/index.html; ARGS="--formats jpeg,webp --sample 4"
	@$(ONE_THREAD) $(BIN)/python -m benchmarks.quality $(ARGS)

bench-fast: .venv/dev $(NATIVE) ## find results that became larger or worse than the recorded ones; ARGS=--write records anew
	@$(ONE_THREAD) $(BIN)/python -m benchmarks.quality.fast $(ARGS)

.PHONY: bench bench-fast bench-http bench-metering bench-limits
