# Measurements. They judge ratios, not times: what is slow here is slow everywhere.
bench-http: .venv/dev ## measure what HTTP adds to the engine, and memory; ARGS="--json" for scripts
	@$(BIN)/python -m benchmarks.http $(ARGS)

.PHONY: bench-http
