#!/usr/bin/env bash
# Makes sure that a Docker engine answers, for tests on machines that have none.
#
# Uses the engine that answers (DOCKER_HOST or the default socket). Otherwise installs Debian's docker.io
# and docker-compose, and starts dockerd with a data folder of its own. Needs root for that.
#
#   .ci/docker/engine.sh         make sure that an engine answers; prints its address and version
#   .ci/docker/engine.sh stop    stop the engine that this script started, if it runs
#
# Environment: PGQUAKE_CI_DOCKER_DATA, the data folder (default /var/lib/pgquake-ci-docker).
set -euo pipefail

here="$(cd "$(dirname "$0")" && pwd)"
data="${PGQUAKE_CI_DOCKER_DATA:-/var/lib/pgquake-ci-docker}"
pid_file="$data/dockerd.pid"
log="$data/dockerd.log"
socket=unix:///var/run/docker.sock
limit_s=60

say() { printf 'docker engine: %s\n' "$*"; }
answers() { command -v docker >/dev/null && timeout 5 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

stop() {
  [ -f "$pid_file" ] || { say 'none was started here'; return 0; }
  local pid; pid="$(cat "$pid_file")"
  # A pid is reused some day: only a process that is dockerd is ended.
  if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; then
    kill "$pid"
    for _ in $(seq 60); do [ -d "/proc/$pid" ] || break; sleep 0.5; done
    [ -d "/proc/$pid" ] && kill -KILL "$pid"
    say "stopped (process $pid)"
  fi
  rm -f "$pid_file"
}

if [ "${1:-}" = stop ]; then stop; exit 0; fi

if answers; then
  say "version $(docker version --format '{{.Server.Version}}') answers at ${DOCKER_HOST:-the default socket}"
else
  if [ -n "${DOCKER_HOST:-}" ]; then
    say "nothing answers at DOCKER_HOST=$DOCKER_HOST; unset it to have an engine started here" >&2
    exit 1
  fi
  if [ "$(id -u)" != 0 ]; then
    say 'none answers, and starting one needs root' >&2
    exit 1
  fi
  if ! { command -v dockerd && command -v iptables; } >/dev/null; then
    say 'installing docker.io from Debian'
    # Where the package would start the service it must not: the engine is started below, once.
    "$here/../apt" docker.io iptables ca-certificates
  fi
  if ! answers; then
    mkdir -p "$data"
    # A pid file that an ended engine left behind would keep the new one from starting.
    rm -f "$pid_file"
    say "starting dockerd (data in $data, log in $log)"
    # In a session of its own, so that it outlives this shell.
    setsid nohup dockerd --host "$socket" --data-root "$data/root" --exec-root /run/pgquake-ci-docker \
      --pidfile "$pid_file" --live-restore=false >"$log" 2>&1 </dev/null &
    for _ in $(seq $((limit_s * 2))); do
      if answers; then break; fi
      sleep 0.5
    done
    if ! answers; then
      say "did not answer within $limit_s s; the end of $log:" >&2
      tail -n 30 "$log" >&2
      exit 1
    fi
  fi
  say "version $(docker version --format '{{.Server.Version}}') answers at $socket"
fi

if docker compose version >/dev/null 2>&1; then
  say "Compose: docker compose $(docker compose version --short)"
elif command -v docker-compose >/dev/null; then
  say "Compose: docker-compose $(docker-compose version --short)"
elif [ "$(id -u)" = 0 ]; then
  say 'installing docker-compose from Debian'
  "$here/../apt" docker-compose
  say "Compose: docker-compose $(docker-compose version --short)"
else
  say 'there is no Compose: install the plugin docker-compose-plugin, or docker-compose' >&2
  exit 1
fi
