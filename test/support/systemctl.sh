#!/usr/bin/env bash
# Stands in for systemd's command in a container, which has no systemd: one service, which Debian's own tools start and stop.
#
# What it lacks: jobs that can be cancelled, cgroups (a signal goes to the server's first process and its children),
# dependencies, Restart=, limits of time, logs. What it does not know it refuses.
set -euo pipefail

unit=postgresql@17-orders
pid_file=/var/run/postgresql/17-orders.pid

refuse() { echo "this is no systemd, and knows no $*" >&2; exit 1; }

# The server's first process; 0 where there is none.
main_pid() {
  local pid
  pid=$(cat "$pid_file" 2>/dev/null) || { echo 0; return; }
  case "$(cat "/proc/$pid/comm" 2>/dev/null):$(cut -d' ' -f3 "/proc/$pid/stat" 2>/dev/null)" in
    *:Z | *: | :*) echo 0 ;;
    postgres:*) echo "$pid" ;;
    *) echo 0 ;;
  esac
}

show() {
  local pid
  pid=$(main_pid)
  case $1 in
    LoadState) if [ "$named" = "$unit" ]; then echo loaded; else echo not-found; fi ;;
    MainPID) echo "$pid" ;;
    ActiveState) if [ "$pid" != 0 ]; then echo active; elif [ -e "$pid_file" ]; then echo failed; else echo inactive; fi ;;
    ExecMainStartTimestamp) if [ "$pid" != 0 ]; then ps -o lstart= -p "$pid"; else echo; fi ;;
    ControlGroup) echo ;;
    *) refuse "property $1" ;;
  esac
}

act=${1:-}
shift || refuse 'empty command'
properties=()
value=no
signal=
block=yes
named=
for word; do
  case $word in
    --property=*) properties+=("${word#*=}") ;;
    --value) value=yes ;;
    --signal=*) signal=${word#*=} ;;
    --no-block) block=no ;;
    -*) refuse "option $word" ;;
    *) named=$word ;;
  esac
done
[ "$act" = show ] || [ "$named" = "$unit" ] || refuse "service $named"

# A process of its own, as a job of systemd's is: it goes on when the one who asked for it is gone.
debian() {
  if [ "$block" = yes ]; then pg_ctlcluster 17 orders "$@"; else setsid pg_ctlcluster 17 orders "$@" </dev/null >/dev/null 2>&1 & fi
}

case $act in
  show)
    for property in "${properties[@]}"; do
      if [ "$value" = yes ]; then show "$property"; else echo "$property=$(show "$property")"; fi
    done
    ;;
  start) [ "$(main_pid)" != 0 ] || debian start ;;
  stop) if [ "$(main_pid)" != 0 ]; then debian stop --mode fast; else rm -f "$pid_file"; fi ;;
  kill)
    pid=$(main_pid)
    [ "$pid" != 0 ] || refuse 'process of a service that does not run'
    # shellcheck disable=SC2046 # a list of processes
    kill -s "${signal#SIG}" "$pid" $(pgrep --parent "$pid")
    ;;
  reset-failed) ;;
  *) refuse "command $act" ;;
esac
