/**
 * How long a map of tolerance takes: the whole of it for 1,000 workers and 32,768 partitions, and its parts as
 * ratios to the obvious way (list every subset, draw plain random subsets) where that is feasible.
 *
 * node bench/tolerance.ts [repetitions]
 */

import { isDeepStrictEqual } from 'node:util';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { citus } from '../src/engines/citus.ts';
import { enumerate } from '../src/plan/tolerance/enumerate.ts';
import { type HolderSets, holderSetsOf, membersOf, minimalSets } from '../src/plan/tolerance/holders.ts';
import { LAYOUTS, layOut } from '../src/plan/tolerance/layouts.ts';
import { sampleFatalShares } from '../src/plan/tolerance/sample.ts';
import { countFatalUpTo3 } from '../src/plan/tolerance/small-subsets.ts';
import { tolerance } from '../src/plan/tolerance.ts';

const repetitions = Number(process.argv[2] ?? 5);
const SAMPLING = { seed: 1, halfWidth: 0.001 };

interface Timed<T> {
  readonly value: T;
  /** Of the first call, before the code is warm: what a person at the command line waits for. */
  readonly firstMs: number;
  readonly medianMs: number;
  readonly worstMs: number;
}

function time<T>(work: () => T, times = repetitions): Timed<T> {
  const all: number[] = [];
  let value: T | undefined;
  for (let i = 0; i < times; i++) {
    const from = performance.now();
    value = work();
    all.push(performance.now() - from);
  }
  const sorted = all.toSorted((a, b) => a - b);
  return {
    value: value as T,
    firstMs: all[0] as number,
    medianMs: sorted[Math.floor(sorted.length / 2)] as number,
    worstMs: sorted.at(-1) as number,
  };
}

const ms = (value: number) => `${value.toFixed(0)} ms`.padStart(9);

console.log(`whole map, 1,000 workers, 32,768 shards, rule citus, ${repetitions} times`);
console.log('layout  copies    first    median     worst  widest interval  method beyond k = 3');
for (const replication of [2, 3]) {
  for (const layout of LAYOUTS) {
    const placement = layOut(layout, { workers: 1_000, replication, partitions: 32_768 }, 1);
    const run = time(() => tolerance(placement, { rule: citus.rule, nodeAvailability: 0.999, seed: 1 }));
    const fatal = run.value.reads.rows.map((row) => row.fatal);
    const widest = Math.max(...fatal.map(({ low, high }) => (high - low) / 2)) * 100;
    const method = fatal.at(-1)?.method;
    console.log(
      `${layout.padEnd(6)} ${String(replication).padStart(7)}${ms(run.firstMs)} ${ms(run.medianMs)} ${ms(run.worstMs)}` +
        `  +-${widest.toFixed(3)} points    ${method}`,
    );
  }
}

console.log('\nparts, against the obvious way with the same answer');

{
  const placement = layOut('random', { workers: 18, replication: 2, partitions: 36 }, 1);
  const sets = holderSetsOf(placement);
  const ours = time(() => enumerate(sets));
  const peer = time(() => listed(sets), 1);
  const same = isDeepStrictEqual(
    [ours.value.anyLives, ours.value.allLive].map((rows) => rows.map(({ fatal, worst }) => ({ fatal, worst }))),
    peer.value,
  );
  ratio('every subset of 18 workers, 36 shards, both rules', ours.medianMs, peer.medianMs, same);
}
{
  const minimal = minimalSets(holderSetsOf(layOut('random', { workers: 200, replication: 2, partitions: 2_000 }, 1)));
  const ours = time(() => countFatalUpTo3(minimal));
  const peer = time(() => listedTriples(minimal), 1);
  ratio('fatal triples of 200 workers, 2,000 shards', ours.medianMs, peer.medianMs, ours.value[3] === peer.value);
}
for (const [replication, k] of [
  [2, 5],
  [3, 28],
] as const) {
  // Plain samples for +- 0.1 % at 95 %: 1.96^2 * p (1 - p) / 0.001^2, some 960,000 near p = 1/2; a part is timed and scaled.
  const minimal = minimalSets(holderSetsOf(layOut('random', { workers: 1_000, replication, partitions: 32_768 }, 1)));
  const ours = time(() => sampleFatalShares(minimal, SAMPLING));
  const timed = 20_000;
  const peer = time(() => plainShare(minimal, k, timed), 1);
  const needed = (1.96 ** 2 * peer.value * (1 - peer.value)) / 0.001 ** 2;
  const near = Math.abs((ours.value.shares[k] as number) - peer.value) < 5 * Math.sqrt(0.25 / timed);
  const name = `+-0.1 %, 1,000 workers, ${replication} copies: all k (${ours.value.walks} walks) against k = ${k} alone`;
  ratio(name, ours.medianMs, (peer.medianMs * needed) / timed, near);
}

function ratio(name: string, oursMs: number, peerMs: number, agree: boolean): void {
  const factor = peerMs / oursMs;
  console.log(
    `${name}: ${oursMs.toFixed(1)} ms against ${peerMs.toFixed(0)} ms, ${factor.toFixed(1)} times faster, answers ${agree ? 'agree' : 'DIFFER'}`,
  );
  if (!agree) process.exitCode = 1;
}

/** Lists every subset and counts the partitions that it loses, by either rule. */
function listed(sets: HolderSets): { fatal: number; worst: number }[][] {
  const masks = Array.from({ length: sets.count }, (_, s) =>
    membersOf(sets, s).reduce((mask, w) => mask | (1 << w), 0),
  );
  const rows = () => Array.from({ length: sets.workers + 1 }, () => ({ fatal: 0, worst: 0 }));
  const [reads, writes] = [rows(), rows()];
  for (let down = 0; down < 2 ** sets.workers; down++) {
    let k = 0;
    for (let rest = down; rest !== 0; rest &= rest - 1) k++;
    let unreadable = 0;
    let unwritable = 0;
    for (const [s, mask] of masks.entries()) {
      if ((mask & down) === mask) unreadable += sets.partitions[s] as number;
      if ((mask & down) !== 0) unwritable += sets.partitions[s] as number;
    }
    for (const [row, lost] of [
      [reads[k], unreadable],
      [writes[k], unwritable],
    ] as const) {
      if (!row) continue;
      if (lost > 0) row.fatal++;
      row.worst = Math.max(row.worst, lost);
    }
  }
  return [reads, writes];
}

/** Lists every triple and looks up its three pairs. */
function listedTriples(sets: HolderSets): number {
  const n = sets.workers;
  const isPair = new Uint8Array(n * n);
  for (let s = 0; s < sets.count; s++) {
    const [a, b] = membersOf(sets, s);
    isPair[(a as number) * n + (b as number)] = 1;
  }
  let fatal = 0;
  for (let a = 0; a < n; a++) {
    for (let b = a + 1; b < n; b++) {
      for (let c = b + 1; c < n; c++) if (isPair[a * n + b] || isPair[a * n + c] || isPair[b * n + c]) fatal++;
    }
  }
  return fatal;
}

/** Draws k workers at a time, marks their sets, and sees whether one is complete. */
function plainShare(sets: HolderSets, k: number, samples: number): number {
  const random = xoroshiro128plus(2);
  const lost = new Uint8Array(sets.count);
  const down = new Uint8Array(sets.workers);
  let fatal = 0;
  for (let i = 0; i < samples; i++) {
    const chosen: number[] = [];
    while (chosen.length < k) {
      const w = uniformInt(random, 0, sets.workers - 1);
      if (down[w] === 1) continue;
      down[w] = 1;
      chosen.push(w);
    }
    let complete = false;
    for (const w of chosen) {
      for (let at = sets.setsStart[w] as number; at < (sets.setsStart[w + 1] as number); at++) {
        const s = sets.setsOf[at] as number;
        lost[s] = (lost[s] as number) + 1;
        complete ||= lost[s] === (sets.start[s + 1] as number) - (sets.start[s] as number);
      }
    }
    if (complete) fatal++;
    for (const w of chosen) {
      down[w] = 0;
      for (let at = sets.setsStart[w] as number; at < (sets.setsStart[w + 1] as number); at++)
        lost[sets.setsOf[at] as number] = 0;
    }
  }
  return fatal / samples;
}
