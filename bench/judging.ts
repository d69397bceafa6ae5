/**
 * How long a stored run takes to be read and judged, and how much memory: 10 million operations, half of them writes;
 * against DuckDB, which answers the same questions in SQL, loops that answer them and do nothing else, and 20 million. In
 * turn. `node bench/judging.ts [rounds]`
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checks } from '../src/catalog.ts';
import { judge } from '../src/judge.ts';
import type { OperationKind } from '../src/model/history.ts';
import { OperationTable } from '../src/model/operations.ts';
import type { HypothesisItem } from '../src/model/scenario.ts';
import { OPERATIONS_FILE, OperationsWriter, PROBES_FILE } from '../src/operations-file.ts';
import { readRun } from '../src/store.ts';
import { storeHistory } from '../test/support/stored-run.ts';
import { closing, median, over } from './figures.ts';
import { answerBare, type Bare } from './judging-bare.ts';
import { type Answered, answerByDuck, prepareDuck } from './judging-peer.ts';
import { KEYS, longHistory, PARTITIONS } from './long-history.ts';
import { peakMb } from './machine.ts';

const MILLION = 1_000_000;
const GOALS = { time: 1, memory: 1, growth: 2.1 };
const RATE = 10_000;
/** Operations of one hand-over of the load at that rate. */
const BATCH = 500;

const KINDS: readonly OperationKind[] = [
  { name: 'read', access: 'read', scope: 'partition', ratePerSecond: RATE / 2, deadlineMs: 1_000 },
  { name: 'write', access: 'write', scope: 'partition', ratePerSecond: RATE / 2, deadlineMs: 1_000 },
];

const HYPOTHESIS: readonly (readonly [check: string, params: Readonly<Record<string, unknown>>])[] = [
  ['messages-readable', { during: 'fault', min: 500 }],
  ['availability', { of: 'read', during: 'fault', min: '99%' }],
  ['recovery-time', { of: 'write', max: '10s' }],
  ['no-lost-writes', {}],
  ['no-stale-reads', {}],
  ['replicas-agree', {}],
];

function itemOf([name, written]: (typeof HYPOTHESIS)[number]): HypothesisItem {
  const found = checks.find((check) => check.name === name);
  if (!found) throw new Error(`no check ${name}`);
  const place = { file: 'bench', line: 1, column: 1 };
  return { check: name, params: found.params.parse(written), written, place };
}

/** A run without findings: the worst case, as nothing ends a search early. */
async function writeRun(reports: string, count: number): Promise<string> {
  const { run, events } = longHistory(count, RATE, KINDS.map(silent));
  const writes = count / 2;
  const written = events.map((event) => {
    if (event.type === 'load-kept') return { ...event, intended: count };
    if (event.type !== 'final-read' && event.type !== 'placement-read') return event;
    return {
      ...event,
      read: { ...event.read, rows: 500 + writes, present: { ...event.read.present, 1: `1-${writes}` } },
    };
  });
  const history = {
    run: { ...run, kinds: KINDS },
    events: written,
    operations: new OperationTable(),
    probes: new OperationTable(),
  };
  const folder = await storeHistory(reports, history, []);
  // Their places, for as many as no array of objects holds.
  for (const file of [OPERATIONS_FILE, PROBES_FILE]) rmSync(join(folder, file));

  const kinds = KINDS.map(({ name }) => name);
  using probes = new OperationsWriter(join(folder, PROBES_FILE), []);
  probes.write(new OperationTable());
  using writer = new OperationsWriter(
    join(folder, OPERATIONS_FILE),
    kinds.map((name) => ({ name })),
  );
  for (let from = 0; from < count; from += BATCH) {
    const batch = new OperationTable(kinds, BATCH);
    for (let i = from; i < from + BATCH; i++) {
      const intendedAt = 1_000 + (i * 1_000) / RATE;
      const write = i % 2 === 1;
      const partitionKey = ((i >> 1) % KEYS) + 1;
      // Latencies differ, as they do.
      const latencyMs = 0.4 + ((i * 7_919) % 1_000) / 500;
      batch.add({
        id: i + 1,
        kind: write ? 'write' : 'read',
        partitionKey,
        partition: (partitionKey - 1) % PARTITIONS,
        intendedAt,
        sentAt: intendedAt + 0.05,
        settledAt: intendedAt + latencyMs,
        outcome: 'ok',
        ...(write ? { key: `1:${(i + 1) / 2}` } : { rows: 5, verified: 5 }),
      });
    }
    writer.write(batch);
  }
  return folder;
}

const silent = (kind: OperationKind): OperationKind => ({ ...kind, ratePerSecond: 1 });

interface Judged {
  readonly readS: number;
  readonly judgeS: number;
  readonly residentMb: number;
  readonly judgement: string;
}

async function judgeRun(folder: string): Promise<Judged> {
  const began = performance.now();
  const { history } = await readRun(folder);
  const readAt = performance.now();
  const { judgement, results } = judge(history, HYPOTHESIS.map(itemOf), checks);
  for (const result of results) if (result.judgement !== 'pass') console.error(result);
  const judgedAt = performance.now();
  return {
    readS: (readAt - began) / 1_000,
    judgeS: (judgedAt - readAt) / 1_000,
    residentMb: peakMb(),
    judgement,
  };
}

/** In a process of its own, so that its memory is its own. */
function alone<T>(...args: string[]): T {
  const child = spawnSync(process.execPath, [import.meta.filename, ...args], { encoding: 'utf8', timeout: 300_000 });
  if (child.status !== 0) throw new Error(child.stderr);
  if (child.stderr !== '') console.error(child.stderr);
  return JSON.parse(child.stdout) as T;
}

async function main(rounds: number): Promise<void> {
  const reports = mkdtempSync(join(tmpdir(), 'pgquake-bench-'));
  try {
    const ten = await writeRun(reports, 10 * MILLION);
    const twenty = await writeRun(reports, 20 * MILLION);
    await prepareDuck(ten);
    const results = Array.from({ length: rounds }, () => {
      const own = alone<Judged>('judge', ten);
      const peer = alone<Answered>('duck', ten, String(10 * MILLION));
      const bare = alone<Bare>('bare', ten, String(10 * MILLION));
      const twice = alone<Judged>('judge', twenty);
      const total = ({ readS, judgeS }: Judged) => readS + judgeS;
      for (const [name, one] of [
        ['10 million', own],
        ['20 million', twice],
      ] as const) {
        console.log(
          `${name}: read in ${one.readS.toFixed(2)} s, judged in ${one.judgeS.toFixed(2)} s, ` +
            `${one.residentMb.toFixed(0)} MB at most, ${one.judgement}`,
        );
      }
      console.log(
        `bare loops, 10 million: read in ${bare.readS.toFixed(2)} s, answered in ${bare.answeredS.toFixed(2)} s`,
      );
      console.log(`DuckDB, 10 million: ${peer.seconds.toFixed(2)} s, ${peer.residentMb.toFixed(0)} MB at most`);
      return {
        time: total(own) / peer.seconds,
        bare: (bare.readS + bare.answeredS) / peer.seconds,
        memory: own.residentMb / peer.residentMb,
        growth: total(twice) / total(own),
      };
    });
    closing([
      {
        what: '10 million operations: time / DuckDB',
        ...over(results.map((r) => r.time)),
        goal: GOALS.time,
        limit: { what: 'reading, and loops over the columns', figure: median(results.map((r) => r.bare)) },
      },
      { what: '10 million operations: memory / DuckDB', ...over(results.map((r) => r.memory)), goal: GOALS.memory },
      { what: 'time of 20 million / time of 10 million', ...over(results.map((r) => r.growth)), goal: GOALS.growth },
    ]);
  } finally {
    rmSync(reports, { recursive: true });
  }
}

const [, , first = '3', folder = '', count] = process.argv;
if (first === 'judge') console.log(JSON.stringify(await judgeRun(folder)));
else if (first === 'bare') console.log(JSON.stringify(answerBare(folder, Number(count))));
else if (first === 'duck') console.log(JSON.stringify(await answerByDuck(folder, Number(count))));
else await main(Number(first));
