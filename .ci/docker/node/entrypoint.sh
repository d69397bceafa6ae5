#!/usr/bin/env bash
# Prepares the data folder at the first start, then becomes the command, with its arguments:
# the contract of the official PostgreSQL image, in short.
#
# POSTGRES_PASSWORD (needed), POSTGRES_USER (postgres), POSTGRES_DB (as the user), POSTGRES_INITDB_ARGS;
# /docker-entrypoint-initdb.d/*.sql and *.sh run once, in the order of their names.
set -euo pipefail

[[ "${1:-}" == -* ]] && set -- postgres "$@"

if [[ "${1:-}" == postgres && "$(id -u)" == 0 ]]; then
  mkdir -p "$PGDATA"
  chown postgres:postgres "$PGDATA"
  # libpq looks there for certificates when the server itself connects to others.
  export HOME=/var/lib/postgresql
  exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$BASH" "$0" "$@"
fi

if [[ "${1:-}" == postgres && ! -s "$PGDATA/PG_VERSION" ]]; then
  user="${POSTGRES_USER:-postgres}"
  database="${POSTGRES_DB:-$user}"
  if [[ -z "${POSTGRES_PASSWORD:-}" ]]; then
    echo 'POSTGRES_PASSWORD is not set; it is the password of the superuser' >&2
    exit 1
  fi
  # initdb takes a second of a processor, a copy of what it made a tenth of that.
  if [[ "$user" == postgres && "${POSTGRES_INITDB_ARGS:-}" =~ ^(--no-sync)?$ ]]; then
    cp --recursive /usr/local/share/made-by-initdb/. "$PGDATA"
    chmod 700 "$PGDATA"
    own-identity "$PGDATA"
    postgres --single -D "$PGDATA" -c fsync=off postgres >/dev/null <<<"ALTER ROLE postgres PASSWORD '${POSTGRES_PASSWORD//\'/\'\'}'"
  else
    # shellcheck disable=SC2086 # several words on purpose
    initdb --username="$user" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --auth=trust ${POSTGRES_INITDB_ARGS:-}
  fi
  # As in the official image: trust on the container's own loopback, a password for everyone else.
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"

  shopt -s nullglob
  scripts=(/docker-entrypoint-initdb.d/*)
  # The official image starts the server here in any case.
  if [[ "$database" != postgres || ${#scripts[@]} -gt 0 ]]; then
    pg_ctl --wait --options="$(printf '%q ' "${@:2}" -c listen_addresses=)" start
    sql=(psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$user")
    if [[ "$database" != postgres ]]; then
      "${sql[@]}" --dbname postgres --set "name=$database" <<<'CREATE DATABASE :"name";'
    fi
    for script in "${scripts[@]}"; do
      # shellcheck source=/dev/null
      case "$script" in
        *.sh) if [[ -x "$script" ]]; then "$script"; else . "$script"; fi ;;
        *.sql) "${sql[@]}" --dbname "$database" --file "$script" ;;
      esac
    done
    pg_ctl --wait --mode=fast stop
  fi
fi

exec "$@"
