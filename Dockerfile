# The service, as one image for each of its processes: `web` (the default), `worker`, `sweep`, and
# the commands `migrate`, `token`, `check` and so on. docker-compose.yml runs them together.
#
#   docker build --tag speedtolead .
#
# It writes nothing but log lines to stderr, so it runs with a read-only root file system, as a
# user with no rights, and with every capability dropped. PostgreSQL and Valkey are not in it: the
# servers that `up` brings are 45 MB of what a container is never to start, and `up` in here says
# so.

# What the test suite runs on, on the newest Debian. Raise both stages together: the environment
# made in the first one is copied to the same place, on the same Python, in the second.
ARG PYTHON=3.11-slim-trixie

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build

# First what seldom changes. Without pip: what is copied on is what runs, and no more.
COPY requirements.run.lock ./
RUN python -m venv --without-pip /opt/speedtolead \
    && pip --python /opt/speedtolead/bin/python install --require-hashes \
        --only-binary :all: -r requirements.run.lock

# The tool that packs the service stays in this stage.
COPY requirements.build.lock ./
RUN pip install --require-hashes --only-binary :all: -r requirements.build.lock

COPY pyproject.toml README.md LICENSE team.example.yaml ./
COPY service ./service
COPY workers ./workers
COPY dashboards ./dashboards
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && pip --python /opt/speedtolead/bin/python install --no-deps dist/*.whl

FROM python:${PYTHON}
LABEL org.opencontainers.image.title="speedtolead" \
      org.opencontainers.image.description="Pages the rep on duty the moment a lead arrives" \
      org.opencontainers.image.licenses="Apache-2.0"

# Numeric, so that Kubernetes can see that it is not root. /run/keys is where the metrics token
# goes: a new volume takes its owner from here.
RUN pip uninstall --yes --quiet --root-user-action ignore pip setuptools wheel \
    && groupadd --gid 10001 speedtolead \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin speedtolead \
    && install --directory --owner 10001 --group 10001 --mode 0755 /run/keys
COPY --from=build /opt/speedtolead /opt/speedtolead

# DATA_DIR is not there on purpose: without SPEEDTOLEAD_SECRET_KEY each process would make a key
# of its own, and none would accept another's links. So it says that the key is missing.
ENV PATH=/opt/speedtolead/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SPEEDTOLEAD_HOST=0.0.0.0 \
    SPEEDTOLEAD_DATA_DIR=/var/lib/speedtolead

USER 10001:10001
WORKDIR /
EXPOSE 8000
# Each process ends in good order on it: answers what is open, finishes the look in hand.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["speedtolead", "alive"]
ENTRYPOINT ["speedtolead"]
CMD ["web"]
