/** A client that is starved itself must not take that for an outage: the verdict is unknown, with the reason. */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import type { Report } from '../../src/model/report.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { Workplace } from '../support/cli.ts';
import { runWith } from '../support/harmed-run.ts';
import { behindPort, LossyProxy } from '../support/lossy-proxy.ts';
import { coordinatorOf } from '../support/sharded.ts';

let place: Workplace;

beforeEach(() => {
  place = new Workplace();
});

afterEach(() => {
  place[Symbol.dispose]();
});

function starved(read: string) {
  return `
name: starved
summary: Nothing is wrong with the cluster.
cluster: { workers: 2, replication: 2, shards: 2, platform: local, engine: native }
workload: { use: chat, rooms: 20, read: ${read}, scan: { rate: 2/s }, write: { rate: 20/s } }
probes: { rate: 10/s }
steady-state: { for: 2s }
faults: []
settle: { within: 300ms }
hypothesis:
  - { check: outage, of: read, max: 0s }
  - { check: outage, of: write, max: 0s }
  - { check: availability, of: read, min: 100% }
`;
}

const resultOf = (report: Report, name: string) => report.results.find(({ check }) => check === name);

/** Nothing is held against the cluster. */
function expectNoBlame(report: Report): void {
  expect(report.judgement).toBe('unknown');
  expect(report.results.filter(({ judgement }) => judgement === 'fail')).toEqual([]);
  expect(report.figures.windows.filter(({ type }) => type === 'outage')).toEqual([]);
  expect(report.finding).toMatch(/^Could not judge: load-kept-its-schedule/);
}

test('its process stands still for more than a second', async () => {
  const child = place.startRun([place.scenario('starved', starved('{ rate: 100/s }'))]);
  await new Promise<void>((steady) => {
    let shown = '';
    child.stdout?.on('data', (text: string) => {
      shown += text;
      if (/load without faults.*load +read/s.test(shown)) steady();
    });
  });
  child.kill('SIGSTOP');
  await sleep(1_200);
  child.kill('SIGCONT');
  const { code } = await child.ended;
  expect(code).toBe(2);
  const report = place.report();
  expectNoBlame(report);
  expect(resultOf(report, 'load-kept-its-schedule')?.observed).toContain('load thread late by ');
  expect(place.leftovers()).toEqual([]);
});

test('it may have one connection, and the server is slow', async () => {
  await using proxies = new AsyncDisposableStack();
  // 30 ms for an answer: one connection carries 33 reads a second, and 100 are intended.
  const text = starved('{ rate: 100/s, connections: 1 }');
  let delayMs = 0;
  const report = await runWith(parseScenario(text, 'starved.yaml', vocabulary), {
    nodes: async (nodes) => {
      const address = coordinatorOf(nodes).address();
      const proxy = proxies.use(await LossyProxy.start(address, { delayMs: () => delayMs }));
      return behindPort(nodes, proxy.port);
    },
    at: (event) => {
      // The ramp would refuse a load that is not borne from the start.
      if (event.type === 'phase-started' && event.phase === 'steady-state') delayMs = 30;
      return undefined;
    },
  });
  expectNoBlame(report);
  expect(resultOf(report, 'load-kept-its-schedule')?.observed).toMatch(/^[\d,]+ of [\d,]+ not sent \(\d+/);
  const reads = report.figures.availability.filter(({ kind }) => kind === 'read');
  expect(reads.reduce((sum, { figures }) => sum + figures.unsent, 0)).toBeGreaterThan(100);
});
