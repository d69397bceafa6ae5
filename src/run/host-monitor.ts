/** Watches pgquake's machine during a run. */

import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg, release, totalmem, type } from 'node:os';
import type { Clock } from '../model/clock.ts';
import type { HostSample } from '../model/event.ts';
import type { Machine } from '../model/history.ts';
import type { Recorder } from './recorder.ts';

/** How often the run queue is read. */
const LOOK_MS = 100;
/** The same beside servers that are in use. */
export const LIGHT_LOOK_MS = 500;
/** The time between two events. */
const SAMPLE_MS = 1_000;

/** Processor time since the machine's start, in ticks. */
export interface ProcessorTicks {
  readonly busy: number;
  readonly stolen: number;
  readonly total: number;
}

/** The source of a machine's figures; tests pass their own. */
export interface HostSource {
  ticks(): ProcessorTicks;
  /** Tasks that run or wait for a processor, without the caller; `undefined` where the system does not report it. */
  runnable(): number | undefined;
  /** Milliseconds since boot in which some task waited; `undefined` where the system does not report it. */
  waitedMs(resource: Resource): number | undefined;
}

const RESOURCES = ['cpu', 'memory', 'io'] as const;
type Resource = (typeof RESOURCES)[number];

/** The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal. */
export function parseProcessorTicks(stat: string): ProcessorTicks {
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = stat
    .slice(0, stat.indexOf('\n'))
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const busy = user + nice + system + irq + softirq;
  return { busy, stolen: steal, total: busy + steal + idle + iowait };
}

/** The fourth field of `/proc/loadavg`, `3/512`. */
export function parseRunnable(loadAverage: string): number {
  return Math.max(0, Number.parseInt(loadAverage.split(' ')[3] ?? '', 10) - 1);
}

/** The line `some` of a file in `/proc/pressure`, whose total is in microseconds. */
export function parseWaitedMs(pressure: string): number {
  return Number(/^some .*total=(\d+)/m.exec(pressure)?.[1]) / 1_000;
}

function fileOf<T>(path: string, parse: (text: string) => T): T | undefined {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

export const thisHost: HostSource = {
  ticks: () => fileOf('/proc/stat', parseProcessorTicks) ?? ticksOfNode(),
  runnable: () => fileOf('/proc/loadavg', parseRunnable),
  waitedMs: (resource) => fileOf(`/proc/pressure/${resource}`, parseWaitedMs),
};

/** On other systems than Linux, Node.js reports the processors' times, but no stolen time. */
function ticksOfNode(): ProcessorTicks {
  const ticks = { busy: 0, stolen: 0, total: 0 };
  for (const { times } of cpus()) {
    const busy = times.user + times.nice + times.sys + times.irq;
    ticks.busy += busy;
    ticks.total += busy + times.idle;
  }
  return ticks;
}

/** The machine's fixed properties and its current load. */
export function describeMachine(): Machine {
  return {
    system: `${type()} ${release()} ${arch()}`,
    processors: cpus().length,
    memoryBytes: totalmem(),
    loadAverage: loadavg()[0] ?? 0,
  };
}

export interface HostMonitorOptions {
  readonly clock: Clock;
  readonly recorder: Pick<Recorder, 'event'>;
  readonly source?: HostSource;
  /** Between two looks, in milliseconds; 100 by default. */
  readonly lookMs?: number;
}

export class HostMonitor implements Disposable {
  readonly #options: Required<HostMonitorOptions>;
  readonly #timer: NodeJS.Timeout;
  #from: Moment;
  #queue: number[] = [];
  #lookedAt: number;
  #lateMs = 0;

  constructor(options: HostMonitorOptions) {
    this.#options = { source: thisHost, lookMs: LOOK_MS, ...options };
    this.#from = this.#now();
    this.#lookedAt = this.#from.at;
    this.#timer = setInterval(() => this.look(), this.#options.lookMs);
  }

  /** Reads the run queue, and once a second records a sample as an event. */
  look(): void {
    const { clock, source, recorder, lookMs } = this.#options;
    const at = clock.nowMs();
    this.#lateMs = Math.max(this.#lateMs, at - this.#lookedAt - lookMs);
    this.#lookedAt = at;
    const runnable = source.runnable();
    if (runnable !== undefined) this.#queue.push(runnable);
    if (at - this.#from.at < SAMPLE_MS) return;
    const now = this.#now();
    recorder.event({ type: 'host', ...this.#since(now) });
    this.#from = now;
    this.#queue = [];
    this.#lateMs = 0;
  }

  #now(): Moment {
    const { clock, source } = this.#options;
    return { at: clock.nowMs(), ticks: source.ticks(), waitedMs: RESOURCES.map((name) => source.waitedMs(name)) };
  }

  #since({ at, ticks, waitedMs }: Moment): HostSample {
    const { at: from, ticks: before, waitedMs: waitedBefore } = this.#from;
    const forMs = at - from;
    const total = Math.max(1, ticks.total - before.total);
    const share = (ticksNow: number, ticksThen: number) => Math.min(1, Math.max(0, (ticksNow - ticksThen) / total));
    const pressure = RESOURCES.flatMap((name, i) => {
      const waited = (waitedMs[i] ?? Number.NaN) - (waitedBefore[i] ?? Number.NaN);
      return Number.isNaN(waited) ? [] : [[name, Math.min(1, waited / forMs)] as const];
    });
    return {
      forMs,
      busy: share(ticks.busy, before.busy),
      stolen: share(ticks.stolen, before.stolen),
      ...(this.#queue.length === 0 ? {} : { runnable: mean(this.#queue) }),
      ...(pressure.length === 0 ? {} : { pressure: Object.fromEntries(pressure) }),
      lateMs: Math.max(0, this.#lateMs),
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

interface Moment {
  readonly at: number;
  readonly ticks: ProcessorTicks;
  readonly waitedMs: readonly (number | undefined)[];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
