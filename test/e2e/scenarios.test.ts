/** The shipped scenarios on the embedded cluster, from the command line to the reports; `one-worker` is in test/smoke, `frozen-worker` beside this. */

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Workplace } from '../support/cli.ts';

let place: Workplace;

beforeEach(() => {
  place = new Workplace();
});

afterEach(() => {
  place[Symbol.dispose]();
});

/**
 * A shipped one with a smaller load and fewer probes, which ask a processor for more than all else, and shorter: `control` and
 * `one-worker` run as they are. @returns its path.
 */
function lighter(name: string): string {
  const shipped = readFileSync(resolve(import.meta.dirname, `../../scenarios/${name}.yaml`), 'utf8');
  const text = shipped
    .replace(/\nsteady-state: .*/, '')
    .replace(/\nfaults:/, '\nprobes: { rate: 15/s }\nsteady-state: { for: 1s }\nfaults:')
    .replace('at: 0s, for: 8s', 'at: 0s, for: 4s')
    .replace(/(?<rate>read: +\{ rate: )\d+\/s/, '$<rate>60/s')
    .replace(/(?<rate>scan: +\{ rate: )\d+\/s/, '$<rate>2/s')
    .replace(/(?<rate>write: +\{ rate: )\d+\/s/, '$<rate>15/s');
  expect(text).toMatch(
    /read: +\{ rate: 60\/s.*scan: +\{ rate: 2\/s.*write: +\{ rate: 15\/s.*probes:.*for: 1s.*at: 0s, for: [46]s/s,
  );
  return place.scenario(name, text);
}

/** What pgquake itself does to nodes is never told as somebody else's act. */
function expectNobodyElse(): void {
  expect(place.report().timeline.filter((event) => event.type === 'node-changed')).toEqual([]);
}

describe('one-worker-kill', () => {
  test('passes', async () => {
    const { code, stderr } = await place.runJudged([lighter('one-worker-kill')]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expectNobodyElse();
    expect(place.leftovers()).toEqual([]);
  });
});

describe('three-workers', () => {
  test('A and D stay readable, B and C do not, as observed; nothing is lost; a wrong hypothesis fails and names what was unreadable', async () => {
    const { code, stderr } = await place.runJudged([lighter('three-workers')]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { figures, ledger } = place.report();
    const observed = figures.partitions.map((partition) => ({
      partition: partition.partition,
      messages: partition.messages > 0,
      tried: partition.read.intended > 0,
      readable: partition.readableMessages,
    }));
    const messagesOf = (name: string) => figures.partitions.find((partition) => partition.partition === name)?.messages;
    expect(observed).toEqual([
      { partition: 'A', messages: true, tried: true, readable: messagesOf('A') },
      { partition: 'B', messages: true, tried: true, readable: 0 },
      { partition: 'C', messages: true, tried: true, readable: 0 },
      { partition: 'D', messages: true, tried: true, readable: messagesOf('D') },
    ]);
    expect(ledger).toMatchObject({ lost: { count: 0 }, finalReads: true });
    expectNobodyElse();
    expect(place.leftovers()).toEqual([]);

    const hopeful = await place.start(['judge', join(place.reports, 'latest'), '--scenario', tooHopeful()]).ended;
    expect({ code: hopeful.code, stderr: hopeful.stderr }).toEqual({ code: 1, stderr: '' });
    expect(hopeful.stdout).toMatch(/^✘ messages-readable/m);
    expect(hopeful.stdout).toMatch(/shard B \(worker2, worker3\)/);
    expect(hopeful.stdout).toMatch(/shard C \(worker3, worker4\)/);
    expect(hopeful.stdout).not.toMatch(/shard [AD] \(/);
    expect(hopeful.stdout).toMatch(/messages\s+0:\d+/);
    expect(hopeful.stdout).toMatch(/^FAIL {2}three-workers$/m);
  });
});

/** @returns the path of a scenario whose hypothesis is wrong where three workers are stopped. */
function tooHopeful(): string {
  return place.scenario(
    'too-hopeful',
    `name: too-hopeful
summary: Three workers stop and everything stays readable, they say.
hypothesis:
  - { check: messages-readable, during: fault, min: 500 }
`,
  );
}

describe('control', () => {
  test('without faults there is nothing to find; judged again, without a cluster, its verdict is the same', async () => {
    const { code, stderr } = await place.runJudged(['control']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = place.report();
    const { figures, ledger } = report;
    expect(figures.availability.length).toBeGreaterThan(0);
    for (const { figures: counts } of figures.availability) expect(counts.ok).toBe(counts.intended);
    expect(figures.windows.filter((window) => window.type === 'outage')).toEqual([]);
    expect(figures.errors).toEqual([]);
    expect(ledger).toMatchObject({ lost: { count: 0 }, staleReads: { count: 0 }, duplicated: { count: 0 } });

    const again = await place.start(['judge', join(place.reports, 'latest')]).ended;
    expect({ code: again.code, judgement: report.judgement }).toEqual({ code: 0, judgement: 'pass' });
    expect(again.stdout).toMatch(/PASS/);
    expect(place.report()).toEqual(report);
  });
});

describe('primary-kill', () => {
  test('passes: a standby takes over, the old primary comes back as one, and every report shows who was what', async () => {
    const { code, stdout, stderr } = await place.runJudged([lighter('primary-kill')]);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    const { timeline, acts, ledger, topology } = place.report();
    expect(topology.nodes.map(({ name }) => name)).toEqual(['pg1', 'pg2', 'pg3']);
    expect(acts).toMatchObject([{ targets: ['pg1'], picked: 'the primary, picked then' }]);
    const seen = timeline.flatMap((event) => (event.type === 'roles-seen' ? [event.roles] : []));
    const primaries = seen.map((roles) => Object.keys(roles).filter((name) => roles[name]?.role === 'primary'));
    expect(primaries[0]).toEqual(['pg1']);
    expect(primaries.at(-1)).toHaveLength(1);
    expect(primaries.at(-1)).not.toContain('pg1');
    expect(seen.at(-1)?.pg1).toMatchObject({ timeline: 2, state: 'streaming' });
    const steps = timeline.flatMap((event) => (event.type === 'failover' ? [event.step] : []));
    expect(steps).toEqual(['noticed', 'elected', 'promoted']);
    expect(ledger).toMatchObject({ lost: { count: 0 }, finalReads: true });
    expect(place.leftovers()).toEqual([]);
  });
});
