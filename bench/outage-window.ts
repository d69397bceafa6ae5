/**
 * How true a reported window is: the coordinator, with all its processes, is stopped for 500 ms by another process,
 * which takes stamps of its own; 60 times in one run. Beside it the tightest probe there is: one connection back to back, in
 * a process of its own, sees the same outages. `node bench/outage-window.ts [times]`
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Platform } from '../src/cluster/platform.ts';
import type { Address } from '../src/model/address.ts';
import type { TimedEvent } from '../src/model/event.ts';
import { pgquake } from '../src/pgquake.ts';
import { local } from '../src/platforms/local.ts';
import { Session } from '../src/sql/session.ts';
import { readRun } from '../src/store.ts';
import { coordinatorOf } from '../test/support/sharded.ts';
import { closing, median } from './figures.ts';

const OUTAGE_MS = 500;
/** Between outages, at least; what comes on top is drawn. */
const GAP_MS = 500;
const MAX_EXTRA_GAP_MS = 200;
const PROBES_PER_SECOND = 200;
const SPACING_MS = 1_000 / PROBES_PER_SECOND;
const GOALS = { p95: 1.2, uncertainty: 4 };
/** A border that was found on the wrong side of another outage would be far off. */
const MATCH_MS = 300;

/**
 * In nanoseconds of the machine's monotonic clock, which all its processes share: the middle between the first signal
 * of a row and the last, because servers are stopped one by one.
 */
interface Stamps {
  readonly stopped: number;
  readonly continued: number;
}

/** Runs in a process of its own, at times of its own. */
function strike(postmaster: number, times: number): void {
  try {
    // It must not be kept from its signals by those whom they wake.
    setPriority(-20);
  } catch {
    // Allowed to root only.
  }
  const now = () => Number(process.hrtime.bigint());
  // To the end and after it without a stir: what this process did then, it would keep the servers from.
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  const sleep = (ms: number) => Atomics.wait(sleeper, 0, 0, ms);
  const signal = (name: NodeJS.Signals, pids: readonly number[]): number => {
    const began = now();
    for (const pid of pids) {
      try {
        process.kill(pid, name);
      } catch {
        // A backend that has ended meanwhile.
      }
    }
    return (began + now()) / 2;
  };
  const children = () =>
    readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').trim().split(' ').map(Number);
  const stamps: Stamps[] = [];
  for (let i = 0; i < times; i++) {
    sleep(GAP_MS + Math.random() * MAX_EXTRA_GAP_MS);
    const known = children();
    // First the one that starts the others.
    const stopped = signal('SIGSTOP', [postmaster, ...known]);
    const all = children();
    signal(
      'SIGSTOP',
      all.filter((pid) => !known.includes(pid)),
    );
    sleep(OUTAGE_MS - (now() - stopped) / 1e6);
    stamps.push({ stopped, continued: signal('SIGCONT', [...all, postmaster]) });
  }
  console.log(JSON.stringify(stamps));
}

/** Runs in a process of its own: says between which two answers the server was silent, until its input ends. */
async function probeBackToBack(address: Address): Promise<void> {
  await using session = await Session.connect(address, { applicationName: 'pgquake-bench', connectTimeoutMs: 5_000 });
  const now = () => Number(process.hrtime.bigint());
  const silences: Stamps[] = [];
  let asked = true;
  process.stdin.once('end', () => {
    asked = false;
  });
  process.stdin.resume();
  let stopped = now();
  while (asked) {
    await session.query('SELECT 1');
    const continued = now();
    if (continued - stopped > MATCH_MS * 1e6) silences.push({ stopped, continued });
    stopped = continued;
    // So that the end of the input is heard.
    await new Promise(setImmediate);
  }
  console.log(JSON.stringify(silences));
}

/** The embedded cluster, with its coordinator's address told. */
function known(tell: (address: Address) => void): Platform {
  return {
    ...local,
    name: 'known',
    async provision(options) {
      const nodes = await local.provision(options);
      tell(coordinatorOf(nodes).address());
      return nodes;
    },
  };
}

/** A process of this file, whose answer is what it prints. */
function another<T>(args: readonly string[]): { readonly answer: Promise<T>; end(): void } {
  const child = spawn(process.execPath, [import.meta.filename, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // A session of its own, which the scheduler treats apart from that of pgquake.
    detached: true,
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  const answer = once(child, 'close').then(() => JSON.parse(output) as T);
  return { answer, end: () => void child.stdin.end() };
}

/** Two partitions, so that on a machine of two processors the probes alone keep no server busy. */
function scenarioText(times: number): string {
  const phase = Math.ceil((times * (OUTAGE_MS + GAP_MS + MAX_EXTRA_GAP_MS)) / 1_000) + 2;
  return `
name: outage-window
summary: The coordinator is stopped from outside of pgquake.
cluster: { workers: 1, replication: 1, shards: 2, platform: known, engine: native }
workload:
  use: chat
  # Hardly any: what waits while the servers stand still has to be worked off when they run again, before they answer
  # anybody, and that is their delay and no error of the measurement.
  read: { rate: 1/s, connections: 1 }
  scan: { rate: 0.01/m }
  write: { rate: 1/s, connections: 1 }
probes: { rate: ${PROBES_PER_SECOND}/s, deadline: 2s }
steady-state: { for: ${phase}s }
hypothesis: [{ check: no-lost-writes }]
`;
}

async function main(times: number): Promise<void> {
  const reportsFolder = await mkdtemp(join(tmpdir(), 'pgquake-bench-'));
  let address: Address | undefined;
  let seen: Promise<readonly [struck: Stamps[], tight: Stamps[]]> | undefined;
  /** Of the run's zero, on the monotonic clock. */
  let originNs = Number.POSITIVE_INFINITY;
  const event = (timed: TimedEvent) => {
    // The event that is heard soonest after it was stamped comes closest.
    originNs = Math.min(originNs, Number(process.hrtime.bigint()) - timed.at * 1e6);
    if (timed.type === 'phase-started' && timed.phase === 'fault') seen = strikeAndProbe();
  };
  const strikeAndProbe = async () => {
    const tight = another<Stamps[]>(['probe', JSON.stringify(address)]);
    const striker = another<Stamps[]>(['strike', String(times), await postmasterIn(reportsFolder)]);
    const struck = await striker.answer;
    tight.end();
    return [struck, await tight.answer] as const;
  };
  try {
    const quake = pgquake({
      platforms: [
        known((told) => {
          address = told;
        }),
      ],
    });
    const scenario = quake.parse(scenarioText(times), 'outage-window.yaml');
    const experiment = await quake.run(scenario, { reports: reportsFolder, listeners: [{ event }] });
    if (experiment.failure) throw experiment.failure;
    const [stamps, silences] = (await seen) ?? [[], []];
    const peer = tightErrors(stamps, silences);
    const peerP95 = quantile(peer, 0.95);
    console.log(`back to back: error median ${median(peer).toFixed(2)} ms, p95 ${peerP95.toFixed(2)} ms`);
    const { history } = await readRun(experiment.folder);
    const onRun = (ns: number) => (ns - originNs) / 1e6;
    const results = (['read', 'write'] as const).map((kind) => {
      const windows = experiment.report.figures.windows.filter((w) => w.kind === kind && w.partition === undefined);
      const found = stamps.map(({ stopped, continued }) => {
        const window = windows.find(
          ({ type, fromMs, toMs }) =>
            type === 'outage' && fromMs < onRun(continued) + MATCH_MS && toMs > onRun(stopped) - MATCH_MS,
        );
        if (!window) throw new Error(`no outage of ${kind} at ${onRun(stopped).toFixed(0)} ms`);
        const trueMs = (continued - stopped) / 1e6;
        const error = window.durationMs - trueMs;
        return {
          error,
          startError: window.fromMs - onRun(stopped),
          endError: window.toMs - onRun(continued),
          uncertainty: window.uncertaintyMs,
          inside: Math.abs(error) <= window.uncertaintyMs,
        };
      });
      const signed = (of: 'startError' | 'endError') => {
        const sorted = found.map((one) => one[of]).sort((a, b) => a - b);
        return `${sorted[0]?.toFixed(1)} to ${sorted.at(-1)?.toFixed(1)} ms, median ${sorted[sorted.length >> 1]?.toFixed(1)}`;
      };
      const errors = found.map(({ error }) => Math.abs(error));
      const due: number[] = [];
      for (const probe of history.probes.scan()) if (probe.kind === `probe-${kind}`) due.push(probe.intendedAt);
      const spaced = stamps.map(({ stopped }) => spacingError(due, onRun(stopped)));
      const at = (share: number) => quantile(errors, share);
      const uncertainties = found.map(({ uncertainty }) => uncertainty).sort((a, b) => a - b);
      console.log(
        `${kind}: ${found.length} outages of ${OUTAGE_MS} ms, error median ${at(0.5).toFixed(2)} ms, p95 ` +
          `${at(0.95).toFixed(2)} ms, most ${at(1).toFixed(2)} ms; stated uncertainty ` +
          `${uncertainties[0]?.toFixed(2)} to ${uncertainties.at(-1)?.toFixed(2)} ms; ` +
          `${windows.length - found.length} other windows; starts off by ${signed('startError')}, ends by ${signed('endError')}`,
      );
      return {
        kind,
        p95: at(0.95),
        outside: found.filter(({ inside }) => !inside).length,
        width: (uncertainties.at(-1) as number) / median(errors),
        spacedP95: quantile(spaced, 0.95),
        mostError: at(1) / at(0.5),
      };
    });
    console.log(`${history.probes.count} probes`);
    closing(
      results.flatMap(({ kind, p95, outside, width, spacedP95, mostError }) => [
        {
          what: `${kind}: p95 of the error / that of one connection back to back`,
          figure: p95 / peerP95,
          goal: GOALS.p95,
          limit: { what: 'the time between two probes alone', figure: spacedP95 / peerP95 },
        },
        { what: `${kind}: outages outside of the stated uncertainty`, figure: outside, goal: 0 },
        {
          what: `${kind}: largest stated uncertainty / median error`,
          figure: width,
          goal: GOALS.uncertainty,
          limit: { what: 'the largest error / median error, which it has to hold', figure: mostError },
        },
      ]),
    );
  } finally {
    await rm(reportsFolder, { recursive: true });
  }
}

/**
 * How far the middle between two probes is from a moment between them, in ms: all that is known where each is answered at
 * once. While servers stand still those that are due have no session, so their times go on from the last that had one.
 */
function spacingError(due: readonly number[], momentMs: number): number {
  const last = due.reduce((before, at) => (at <= momentMs ? Math.max(before, at) : before), Number.NEGATIVE_INFINITY);
  return Math.abs(((momentMs - last) % SPACING_MS) - SPACING_MS / 2);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] as number;
}

/** In ms, of the length of each outage. */
function tightErrors(outages: readonly Stamps[], silences: readonly Stamps[]): number[] {
  return outages.map(({ stopped, continued }) => {
    const seen = silences.find((one) => one.stopped < continued && one.continued > stopped);
    if (!seen) throw new Error('an outage that one connection back to back did not see');
    return Math.abs(seen.continued - seen.stopped - (continued - stopped)) / 1e6;
  });
}

async function postmasterIn(reportsFolder: string): Promise<string> {
  const [run] = await readdir(reportsFolder);
  const cluster = JSON.parse(await readFile(join(reportsFolder, run as string, 'cluster.json'), 'utf8'));
  const pidFile = join((cluster as { dataRoot: string }).dataRoot, 'coordinator', 'postmaster.pid');
  const [postmaster = ''] = (await readFile(pidFile, 'utf8')).split('\n');
  return postmaster;
}

const [, , first = '60', ...rest] = process.argv;
if (first === 'strike') strike(Number(rest[1]), Number(rest[0]));
else if (first === 'probe') await probeBackToBack(JSON.parse(rest[0] as string) as Address);
else await main(Number(first));
