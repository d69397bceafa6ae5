/**
 * Network faults on the embedded cluster, from the command line to the reports: a partition, a statement that is waited
 * for, and a kill of pgquake in the middle.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Report } from '../../src/model/report.ts';
import { Workplace } from '../support/cli.ts';

let place: Workplace;

beforeEach(() => {
  place = new Workplace();
});

afterEach(() => {
  place[Symbol.dispose]();
});

/** Few operations with much time for each: silence costs 1.5 s until the next holder is asked. */
const scenario = (name: string, fault: string, hypothesis: string) => `name: ${name}
summary: The network between the coordinator and worker1 is struck.
cluster: { workers: 3, replication: 2, shards: 6 }
workload:
  use: chat
  rooms: 20
  read: { rate: 40/s, deadline: 5s }
  scan: { rate: 1/s, deadline: 5s }
  write: { rate: 10/s, deadline: 5s }
probes: { rate: 10/s }
steady-state: { for: 1s }
faults: [${fault}]
settle: { within: 300ms }
hypothesis:
  - { check: no-lost-writes }
  - { check: replicas-agree }
${hypothesis}`;

function eventOf(report: Report, type: string) {
  return report.timeline.find((event) => event.type === type);
}

test('a partition from the coordinator: the next holder is asked, everything stays readable, and it heals', async () => {
  const fault = '{ fault: network-drop, target: worker1, from: [coordinator], for: 4s }';
  const file = place.scenario('cut', scenario('cut', fault, '  - { check: messages-readable }\n'));
  const { code, stdout, stderr } = await place.runJudged([file]);
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
  const report = place.report();
  expect(eventOf(report, 'fault-in-effect')).toMatchObject({
    proof: 'worker1: 2 rules in force, no connection between it and coordinator (no answer within 700 ms)',
  });
  expect(eventOf(report, 'healed')).toMatchObject({
    proof: expect.stringMatching(/^worker1: the rules are removed; they met [1-9]\d* packets, accepts SQL$/),
  });
  expect(place.leftovers()).toEqual([]);
});

test('a statement that is waited for: writes that pass it break, reads do not', async () => {
  const fault =
    '{ fault: network-reject, target: worker1, from: [coordinator], direction: in, on: INSERT INTO public.messages, for: 2s }';
  const file = place.scenario('lurking', scenario('lurking', fault, ''));
  const { code, stdout, stderr } = await place.runJudged([file]);
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
  const report = place.report();
  expect(eventOf(report, 'fault-in-effect')).toMatchObject({
    proof: 'worker1: 1 rules in force, waiting for "INSERT INTO public.messages"',
  });
  expect(eventOf(report, 'healed')).toMatchObject({ proof: expect.stringMatching(/they met [1-9]\d* packets/) });
  const broken = report.figures.errors.map(({ kind }) => kind);
  expect(broken).toContain('write');
  expect(broken).not.toContain('read');
});

test('after kill -9 the relay is gone with its process, and heal removes the cluster', async () => {
  const fault = '{ fault: network-drop, target: worker1, from: everybody, for: 60s }';
  const running = place.startRun([place.scenario('killed', scenario('killed', fault, ''))]);
  const history = () =>
    readdirSync(place.reports)
      .filter((name) => name.endsWith('-killed'))
      .map((name) => readFileSync(join(place.reports, name, 'events.ndjson'), 'utf8'))
      .join('');
  await expect.poll(history, { timeout: 60_000, interval: 50 }).toContain('"fault-in-effect"');
  running.kill('SIGKILL');
  await running.ended;
  const healed = await place.start(['heal', '--reports', place.reports]).ended;
  expect(healed.code, healed.stderr).toBe(0);
  expect(healed.stdout).toContain('remove-rules worker1 (network-drop)');
  expect(place.leftovers()).toEqual([]);
});
