/**
 * A process on a machine that undoes an act there unless pgquake renews it in time: the connection may break, or pgquake be
 * killed. It has its own session, and its arguments name it.
 */

import { shellWord } from '../shell-word.ts';
import type { Machine } from './machine.ts';

/** Renewals within its time. */
const RENEWALS = 4;
/** 100 ms apart. */
const LOOKS = 20;
const MARK = 'pgquake-switch:';

/** For `sh -c`; the arguments are seconds and the undo. Each SIGUSR1 restarts the wait. */
const WAIT_AND_UNDO = `again=1
trap 'again=1' USR1
while [ -n "$again" ]; do
  again=
  sleep "$1" & pause=$!
  wait "$pause"
  kill "$pause" 2>/dev/null
done
eval "$2"`;

export class DeadMan {
  readonly #machine: Machine;
  readonly #afterMs: number;
  readonly #armed = new Set<string>();
  #renewing: NodeJS.Timeout | undefined;

  /** @param afterMs how long it waits for pgquake. */
  constructor(machine: Machine, afterMs: number) {
    this.#machine = machine;
    this.#afterMs = afterMs;
  }

  /** The script that starts the process and checks that it is running; fails if not, before the act that follows. */
  starting(name: string, undo: string): string {
    const mark = `${MARK}${name}`;
    const args = [WAIT_AND_UNDO, mark, String(Math.ceil(this.#afterMs / 1_000)), undo];
    return `setsid sh -c ${args.map(shellWord).join(' ')} </dev/null >/dev/null 2>&1 &
n=0
until grep -qsF -- ${shellWord(mark)} "/proc/$!/cmdline"; do
  n=$((n + 1))
  if [ "$n" -ge ${LOOKS} ]; then echo 'the process that undoes the act by itself did not start' >&2; exit 1; fi
  sleep 0.1
done`;
  }

  /** The equivalent command, for a person. */
  inWords(undo: string): string {
    return `setsid sh -c ${shellWord(`sleep ${Math.ceil(this.#afterMs / 1_000)}; ${undo}`)} &`;
  }

  /** Renews the process from now on, as long as pgquake lives. */
  arm(name: string): void {
    this.#armed.add(name);
    this.#renewing ??= setInterval(() => void this.#renew(), this.#afterMs / RENEWALS).unref();
  }

  /** Ends the process, whichever pgquake started it, once the act is undone. Harmless without one. */
  async disarm(name: string): Promise<void> {
    this.#armed.delete(name);
    if (this.#armed.size === 0) {
      clearInterval(this.#renewing);
      this.#renewing = undefined;
    }
    // It leads a process group, so its `sleep` ends too.
    await this.#machine.mustRun('end what would undo an act', `${eachOf([name], 'kill -TERM "-$pid"')}\nexit 0`);
  }

  async #renew(): Promise<void> {
    const script = `${eachOf([...this.#armed], 'kill -USR1 "$pid"')}\nexit 0`;
    // A machine out of reach undoes the act, as intended.
    await this.#machine.run('renew what would undo an act', script).catch(() => undefined);
  }
}

/** A loop over the running processes of these names. The pattern must not match the arguments of grep itself. */
function eachOf(names: readonly string[], command: string): string {
  const patterns = names.map(
    (name) => `-e ${shellWord(`[p]${MARK.slice(1)}${name.replaceAll(/[.[\]*^$\\]/g, '\\$&')}`)}`,
  );
  return `for file in $(grep -lzx ${patterns.join(' ')} /proc/[0-9]*/cmdline 2>/dev/null); do
  pid=\${file#/proc/}; pid=\${pid%/cmdline}
  ${command} 2>/dev/null
done`;
}
