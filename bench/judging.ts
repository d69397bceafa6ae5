/**
 * How long a stored run takes to be read and judged, and how much memory: 10 million operations, half of them
 * writes, against 5 million in the same run. `node bench/judging.ts`
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checks } from '../src/catalog.ts';
import { judge } from '../src/judge.ts';
import type { OperationKind } from '../src/model/history.ts';
import { OperationTable } from '../src/model/operations.ts';
import type { HypothesisItem } from '../src/model/scenario.ts';
import { OPERATIONS_FILE, OperationsWriter, PROBES_FILE } from '../src/operations-file.ts';
import { readRun } from '../src/store.ts';
import { buildHistory } from '../test/support/history-builder.ts';
import { closing } from './figures.ts';

const MILLION = 1_000_000;
const GOALS = { seconds: 10, residentMb: 1_024, ratio: 2.2 };
const RATE = 10_000;
/** Operations of one hand-over of the load at that rate. */
const BATCH = 500;
const KEYS = 100;
const PARTITIONS = 4;

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
function writeRun(folder: string, count: number): void {
  const loadMs = (count / RATE) * 1_000;
  const phases = { steadyMs: loadMs * 0.25, faultMs: loadMs * 0.5, settleMs: loadMs * 0.25 - 310 };
  const { run, events } = buildHistory({
    ...phases,
    partitionKeys: KEYS,
    partitions: PARTITIONS,
    kinds: KINDS.map(silent),
  });
  const writes = count / 2;
  const written = events.map((event) => {
    if (event.type === 'load-kept') return { ...event, intended: count };
    if (event.type !== 'final-read' && event.type !== 'placement-read') return event;
    return {
      ...event,
      read: { ...event.read, rows: 500 + writes, present: { ...event.read.present, 1: `1-${writes}` } },
    };
  });
  writeFileSync(join(folder, 'run.json'), JSON.stringify({ ...run, kinds: KINDS }));
  const cluster = { platform: 'auto', engine: 'auto', workers: 4, replication: 2, partitions: PARTITIONS };
  const scenario = { name: run.scenario, cluster, hypothesis: [] };
  writeFileSync(join(folder, 'plan.json'), JSON.stringify({ scenario, seed: run.seed, acts: [], placement: [] }));
  writeFileSync(join(folder, 'events.ndjson'), written.map((event) => `${JSON.stringify(event)}\n`).join(''));

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
    residentMb: process.resourceUsage().maxRSS / 1_024,
    judgement,
  };
}

/** In a process of its own, so that its memory is its own. */
function measure(folder: string): Judged {
  const child = spawnSync(process.execPath, [import.meta.filename, folder], { encoding: 'utf8', timeout: 120_000 });
  if (child.status !== 0) throw new Error(child.stderr);
  if (child.stderr !== '') console.error(child.stderr);
  return JSON.parse(child.stdout) as Judged;
}

function main(): void {
  const folders = [5, 10].map((millions) => {
    const folder = mkdtempSync(join(tmpdir(), 'pgquake-bench-'));
    writeRun(folder, millions * MILLION);
    return folder;
  });
  try {
    const [half, whole] = folders.map((folder) => measure(folder)) as [Judged, Judged];
    const total = ({ readS, judgeS }: Judged) => readS + judgeS;
    for (const [name, one] of [
      ['5 million', half],
      ['10 million', whole],
    ] as const) {
      console.log(
        `${name}: read in ${one.readS.toFixed(2)} s, judged in ${one.judgeS.toFixed(2)} s, ` +
          `${one.residentMb.toFixed(0)} MB at most, ${one.judgement}`,
      );
    }
    closing([
      { what: '10 million operations, seconds', figure: total(whole), goal: GOALS.seconds },
      { what: '10 million operations, MB resident', figure: whole.residentMb, goal: GOALS.residentMb },
      { what: 'time of 10 million / time of 5 million', figure: total(whole) / total(half), goal: GOALS.ratio },
    ]);
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true });
  }
}

const [, , folder] = process.argv;
if (folder === undefined) main();
else console.log(JSON.stringify(await judgeRun(folder)));
