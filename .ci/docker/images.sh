#!/usr/bin/env bash
# Builds the images that the Docker tests need, from Debian packages alone: nothing is pulled.
#
# The base image comes from debootstrap and gets the name that the Dockerfiles start from; the node image
# is node/Dockerfile, and the image of Patroni's nodes is the one that pgquake would build on first use, under
# the same name. What the engine still has from an earlier run, made from the same files, is kept.
# Prints the node image's name, and nothing else, to its standard output.
#
# Environment: PGQUAKE_CI_NODE_IMAGE, the node image's name (default pgquake-node:17).
set -euo pipefail

here="$(cd "$(dirname "$0")" && pwd)"
suite=trixie
base="$(sed -n 's/^FROM //p' "$here/node/Dockerfile")"
image="${PGQUAKE_CI_NODE_IMAGE:-pgquake-node:17}"
label=pgquake.ci.content
# As src/platforms/docker/own-image.ts names it.
patroni="$here/../../docker/patroni"
patroni_image="pgquake-patroni:$(sha256sum "$patroni/Dockerfile" | cut -c1-12)"

say() { printf 'docker images: %s\n' "$*" >&2; }

label_of() { docker image inspect --format "{{index .Config.Labels \"$label\"}}" "$1" 2>/dev/null || true; }

# As a hash, so that a change of this recipe builds anew.
base_content="$suite minbase 1"
node_content="$(cat "$here"/node/* <(echo "$base_content") | sha256sum | cut -d' ' -f1)"

has_patroni() { docker image inspect "$patroni_image" >/dev/null 2>&1; }

if [ "$(label_of "$image")" = "$node_content" ] && has_patroni; then
  say "$image and $patroni_image are up to date"
  echo "$image"
  exit 0
fi

if [ "$(label_of "$base")" != "$base_content" ]; then
  if ! command -v debootstrap >/dev/null; then
    say 'installing debootstrap from Debian'
    "$here/../apt" debootstrap
  fi
  folder="$(mktemp -d /tmp/pgquake-base.XXXXXX)"
  # debootstrap mounts /proc inside; it must be gone before anything is removed.
  trap 'umount "$folder/proc" 2>/dev/null || true; umount "$folder/sys" 2>/dev/null || true; rm -rf --one-file-system "$folder"' EXIT
  say "making $base with debootstrap (half a minute)"
  if ! timeout 300 debootstrap --variant=minbase --include=ca-certificates "$suite" "$folder" >"$folder.log" 2>&1; then
    tail -n 20 "$folder.log" >&2
    exit 1
  fi
  rm -f "$folder.log"
  rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
  tar -C "$folder" --one-file-system -c . | timeout 120 docker import --change "LABEL $label='$base_content'" - "$base" >/dev/null
fi

# Without the buildx plugin only the classic builder is there, and some clients want to be told.
if docker buildx version >/dev/null 2>&1; then builder=1; else builder=0; fi

build() {
  local name=$1 log
  shift
  say "building $name"
  log="$(mktemp /tmp/pgquake-build.XXXXXX)"
  if ! DOCKER_BUILDKIT=$builder timeout 300 docker build --tag "$name" "$@" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    exit 1
  fi
  rm -f "$log"
  say "$name is ready"
}

if [ "$(label_of "$image")" != "$node_content" ]; then build "$image" --label "$label=$node_content" "$here/node"; fi
if ! has_patroni; then build "$patroni_image" "$patroni"; fi
echo "$image"
