# syntax=docker/dockerfile:1
# The gateway as an image: `docker build -t gatewayz .` (docs/operations/production.md).

FROM python:3.13-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/gatewayz
COPY pyproject.toml README.md gatewayz.yaml ./
COPY gatewayz gatewayz
COPY plugins plugins
COPY config config
COPY schemas schemas
COPY docs docs
RUN /opt/gatewayz/bin/pip install --no-cache-dir '.[postgres,mail,otel]'

FROM python:3.13-slim-bookworm
RUN groupadd --gid 10001 gatewayz \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/gatewayz --shell /usr/sbin/nologin gatewayz \
 && install -d -o 10001 -g 10001 -m 0700 /var/lib/gatewayz
COPY --from=build /opt/gatewayz /opt/gatewayz
ENV PATH=/opt/gatewayz/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GATEWAYZ_ENVIRONMENT=production \
    GATEWAYZ_DATA_DIR=/var/lib/gatewayz \
    TMPDIR=/var/lib/gatewayz
USER 10001:10001
WORKDIR /var/lib/gatewayz
VOLUME ["/var/lib/gatewayz"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
ENTRYPOINT ["gatewayz"]
CMD ["serve"]
