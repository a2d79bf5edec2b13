# Fleetgate as an image. It listens on 0.0.0.0:8080 inside, and the gateway refuses to listen wider than loopback without keys.
# So give it one, for the configuration it carries (deploy/image/config.yaml):
#
#   docker run --read-only -v fleetgate:/state -p 8080:8080 -e FLEETGATE_KEY=sk-fg-... -e OPENAI_API_KEY fleetgate
#
# or a configuration of your own, with `server: { listen: 0.0.0.0:8080 }` and keys under `tenants`:
#
#   docker run --read-only -v fleetgate:/state -p 8080:8080 -v ./config.yaml:/etc/fleetgate/config.yaml:ro fleetgate
#
# Nothing outside /state is ever written. `docker stop --time` should exceed `server: { drain: ... }`: streams finish first.

ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PROJECT_ENVIRONMENT=/opt/fleetgate \
    UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /src
# The dependencies first: their layer stays while only our code changes.
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-dev --extra http2 --no-install-project
COPY gateway ./gateway
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-dev --extra http2 --no-editable

FROM python:${PYTHON}-slim
RUN groupadd --gid 1000 fleetgate \
    && useradd --uid 1000 --gid 1000 --no-log-init --no-create-home --home-dir /state --shell /usr/sbin/nologin fleetgate \
    && install --directory --owner=1000 --group=1000 --mode=0750 /state
COPY --from=build /opt/fleetgate /opt/fleetgate
COPY deploy/image/config.yaml /etc/fleetgate/config.yaml
ENV PATH=/opt/fleetgate/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    FLEETGATE_CONFIG=/etc/fleetgate/config.yaml \
    XDG_STATE_HOME=/state
WORKDIR /state
VOLUME ["/state"]
USER 1000:1000
EXPOSE 8080
STOPSIGNAL SIGTERM
# http.client, because urllib would ask a proxy that the environment names.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8080, timeout=2); c.request('GET', '/livez'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["fleetgate"]
CMD ["serve"]
