/** A machine that is starved on purpose: the verdict is unknown, with the reason, and never a fail. */

import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Workplace } from '../support/cli.ts';

/** Longer than the test; they end with it, and by themselves if it dies. */
const LOOPS_MS = 100_000;

let place: Workplace;
let loops: ChildProcess[];

beforeEach(() => {
  place = new Workplace();
  loops = Array.from({ length: 2 * cpus().length }, () =>
    // Each in a session of its own, as what others run is: those of one session share what Linux gives to it.
    spawn(process.execPath, ['-e', `const end = Date.now() + ${LOOPS_MS}; while (Date.now() < end);`], {
      detached: true,
    }),
  );
});

afterEach(() => {
  for (const loop of loops) loop.kill('SIGKILL');
  place[Symbol.dispose]();
});

test('control with busy loops at twice the processors, and again as often as --retries says', async () => {
  // So long that two whole seconds of it are looked at, whenever the first begins: less is no starved machine.
  const shipped = readFileSync(resolve(import.meta.dirname, '../../scenarios/control.yaml'), 'utf8');
  const text = shipped
    .replace('steady-state: { for: 4s }', 'steady-state: { for: 3s }\nsettle: { within: 300ms }')
    .replace('workers: 4, replication: 2, shards: 4', 'workers: 2, replication: 2, shards: 2');
  expect(text).toMatch(/workers: 2,.*for: 3s/s);
  const { code, stdout } = await place.run([place.scenario('control', text), '--retries', '1']);
  expect(code, stdout).toBe(2);
  const report = place.report();
  expect(report.judgement).toBe('unknown');
  expect(report.results.filter(({ judgement }) => judgement === 'fail')).toEqual([]);
  expect(report.results.find(({ check }) => check === 'host-kept-up')).toMatchObject({
    judgement: 'unknown',
    observed: expect.stringMatching(/^starved for .* tasks running or waiting/),
  });
  expect(report.run.attempt).toEqual({ number: 2, most: 2 });
  expect(stdout).toMatch(/retry {2}1 of 1: .*the machine was starved.*; kept in /);
  const kept = readdirSync(place.reports).filter((name) => name.includes('Z-control'));
  expect(kept).toHaveLength(2);
  expect(place.leftovers()).toEqual([]);
});
