/**
 * A process on a machine that undoes an act there once pgquake has not been heard of for a while: the connection broke, or
 * pgquake was killed. It is in a session of its own, and its arguments name it.
 */

import { shellWord } from '../shell-word.ts';
import type { Machine } from './machine.ts';

/** Renewed so often within its time. */
const RENEWALS = 4;
/** A tenth of a second apart. */
const LOOKS = 20;
const MARK = 'pgquake-switch:';

/** For `sh -c`; its arguments are seconds, and what undoes the act. Each SIGUSR1 has it wait anew. */
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

  /** @param afterMs how long it waits for a word of pgquake. */
  constructor(machine: Machine, afterMs: number) {
    this.#machine = machine;
    this.#afterMs = afterMs;
  }

  /** Starts it and sees it run, for the script that does the act afterwards: it ends that script where it does not. */
  starting(name: string, undo: string): string {
    const mark = `${MARK}${name}`;
    const args = [WAIT_AND_UNDO, mark, String(Math.ceil(this.#afterMs / 1_000)), undo];
    return `setsid sh -c ${args.map(shellWord).join(' ')} </dev/null >/dev/null 2>&1 &
n=0
until grep -qsF -- ${shellWord(mark)} "/proc/$!/cmdline"; do
  n=$((n + 1))
  if [ "$n" -ge ${LOOKS} ]; then echo 'what undoes the act by itself does not run' >&2; exit 1; fi
  sleep 0.1
done`;
  }

  /** What it comes to, for a person. */
  inWords(undo: string): string {
    return `setsid sh -c ${shellWord(`sleep ${Math.ceil(this.#afterMs / 1_000)}; ${undo}`)} &`;
  }

  /** From now on it is renewed, as long as this process lives. */
  arm(name: string): void {
    this.#armed.add(name);
    this.#renewing ??= setInterval(() => void this.#renew(), this.#afterMs / RENEWALS).unref();
  }

  /** Ends it, whichever pgquake has started it: the act is undone. Harmless where there is none. */
  async disarm(name: string): Promise<void> {
    this.#armed.delete(name);
    if (this.#armed.size === 0) {
      clearInterval(this.#renewing);
      this.#renewing = undefined;
    }
    // It leads a process group: what it waits with ends as well.
    await this.#machine.mustRun('end what would undo an act', `${eachOf([name], 'kill -TERM "-$pid"')}\nexit 0`);
  }

  async #renew(): Promise<void> {
    const script = `${eachOf([...this.#armed], 'kill -USR1 "$pid"')}\nexit 0`;
    // A machine that is out of reach undoes the act, as it should.
    await this.#machine.run('renew what would undo an act', script).catch(() => undefined);
  }
}

/** A loop over those of these names that run. The pattern must not find itself among the arguments of grep. */
function eachOf(names: readonly string[], command: string): string {
  const patterns = names.map(
    (name) => `-e ${shellWord(`[p]${MARK.slice(1)}${name.replaceAll(/[.[\]*^$\\]/g, '\\$&')}`)}`,
  );
  return `for file in $(grep -lzx ${patterns.join(' ')} /proc/[0-9]*/cmdline 2>/dev/null); do
  pid=\${file#/proc/}; pid=\${pid%/cmdline}
  ${command} 2>/dev/null
done`;
}
