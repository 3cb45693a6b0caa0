# A node in a container: docker build -t auditscp . && docker run -p 11112:11112 -v auditscp:/var/lib/auditscp auditscp
# Settings come as variables (-e AUDITSCP_NODE__AE_TITLE=PACS) or in a file (-v .../auditscp.toml:/etc/auditscp/auditscp.toml
# -e AUDITSCP_CONFIG=/etc/auditscp/auditscp.toml).

FROM python:3.13-slim-bookworm AS build
# "[pixels]" adds decoders of compressed pixel data, with licences of their own.
ARG EXTRAS=""
WORKDIR /src
COPY constraints.txt ./
RUN python -m venv /build && python -m venv /opt/auditscp \
    && /build/bin/pip install --no-cache-dir --constraint constraints.txt hatchling
COPY pyproject.toml README.md LICENSE ./
COPY config config
COPY scp scp
RUN /build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/auditscp/bin/pip install --no-cache-dir --constraint constraints.txt "$(echo /wheels/*.whl)${EXTRAS}"

FROM python:3.13-slim-bookworm
RUN useradd --no-create-home --uid 11112 --home-dir /var/lib/auditscp --shell /usr/sbin/nologin auditscp \
    && install -d -o auditscp -g auditscp -m 750 /var/lib/auditscp
COPY --from=build /opt/auditscp /opt/auditscp
ENV PATH="/opt/auditscp/bin:$PATH" PYTHONUNBUFFERED=1
USER auditscp
# Data go to the volume: [storage] folder, "data", begins here.
WORKDIR /var/lib/auditscp
VOLUME /var/lib/auditscp
EXPOSE 11112
# Longer than [association] drain_timeout: docker stop -t 60
STOPSIGNAL SIGTERM
# A C-ECHO that must be answered with 0000. With allow lists, admit the AE title HEALTH and the address 127.0.0.1; with
# the port or the AE title set in a file, set them as variables instead, so that they are known here. It does not speak
# TLS: with [tls] enabled start the container with --no-healthcheck, or with a check of your own.
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s \
    CMD python -m pynetdicom echoscu --verbose -ta 5 -td 5 -tn 5 \
        -aet HEALTH -aec "${AUDITSCP_NODE__AE_TITLE:-AUDITSCP}" 127.0.0.1 "${AUDITSCP_NODE__PORT:-11112}" 2>&1 \
        | grep -q "Status: 0x0000"
ENTRYPOINT ["auditscp"]
CMD ["serve"]
