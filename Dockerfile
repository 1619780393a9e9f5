# The service in a container: what `make run` starts, on either store. docs/large-lane.md says how to build and run it.
# Everything that is installed is pinned by hash; the C compiler is the one from PyPI, so nothing comes from apt.
FROM python:3.13-slim-bookworm AS build
WORKDIR /minipic
COPY requirements/bootstrap.txt requirements/run.txt requirements/zig.txt requirements/
RUN python -m venv .venv \
 && .venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes \
      -r requirements/bootstrap.txt \
 && .venv/bin/uv pip install --no-cache --compile-bytecode --require-hashes --python .venv/bin/python \
      -r requirements/run.txt
RUN python -m venv /zig \
 && .venv/bin/uv pip install --no-cache --require-hashes --python /zig/bin/python -r requirements/zig.txt
COPY layers/codecs/build_native.py layers/codecs/
COPY layers/codecs/native layers/codecs/native
COPY layers/codecs/minipic_engine layers/codecs/minipic_engine
# For every processor of its kind, not only for the one that builds: tasks move.
RUN case "$(uname -m)" in aarch64) target=arm64 ;; *) target="$(uname -m)" ;; esac \
 && python layers/codecs/build_native.py layers/codecs/minipic_engine/_native.so \
      --target "$target" --compiler "/zig/bin/python -m ziglang cc"
COPY pyproject.toml template.yaml ./
COPY functions functions
COPY shared shared
RUN .venv/bin/uv pip install --no-cache --no-deps --no-build-isolation --python .venv/bin/python --editable . \
 && .venv/bin/python -m compileall -q functions shared/minipic layers/codecs/minipic_engine \
 && .venv/bin/uv pip uninstall --python .venv/bin/python pip setuptools uv

FROM python:3.13-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin minipic \
 && install --directory --owner=minipic --group=minipic /data
WORKDIR /minipic
COPY --from=build /minipic .
ENV PATH=/minipic/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    MINIPIC_HOST=0.0.0.0 \
    MINIPIC_DATA=/data \
    PORT=8000
USER 10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# For engines that look at it; ECS does not, there the load balancer asks.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["python", "-c", "\
import http.client, os, sys\n\
asked = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4)\n\
asked.request('GET', '/healthz')\n\
sys.exit(asked.getresponse().status != 200)"]
CMD ["python", "-m", "minipic.local"]
