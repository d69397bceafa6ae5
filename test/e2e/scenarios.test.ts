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

/** A shipped one with fewer probes: `control` and `one-worker` run as they are. @returns its path. */
function lessProbed(name: string): string {
  const shipped = readFileSync(resolve(import.meta.dirname, `../../scenarios/${name}.yaml`), 'utf8');
  const text = shipped.replace('\nsteady-state:', '\nprobes: { rate: 15/s }\nsteady-state:');
  expect(text).not.toBe(shipped);
  return place.scenario(name, text);
}

describe('one-worker-kill', () => {
  test('passes', async () => {
    const { code, stderr } = await place.runJudged([lessProbed('one-worker-kill')]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(place.leftovers()).toEqual([]);
  });
});

describe('three-workers', () => {
  test('A and D stay readable, B and C do not, as observed; all is readable again and nothing is lost', async () => {
    const { code, stderr } = await place.runJudged([lessProbed('three-workers')]);
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
    expect(place.leftovers()).toEqual([]);
  });

  test('a wrong hypothesis fails with exit 1 and names the messages that were unreadable', async () => {
    const file = place.scenario(
      'too-hopeful',
      `name: too-hopeful
summary: Three workers stop and everything stays readable, they say.
cluster: { workers: 4, replication: 2, shards: 4 }
workload: { use: chat, read: { rate: 200/s } }
probes: { rate: 15/s }
steady-state: { for: 1s }
faults:
  - { fault: node-stop, target: [worker2, worker3, worker4], at: 0s, for: 2s }
hypothesis:
  - { check: messages-readable, during: fault, min: 500 }
`,
    );
    const { code, stdout } = await place.runJudged([file]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/shard B \(worker2, worker3\)/);
    expect(stdout).toMatch(/shard C \(worker3, worker4\)/);
    expect(stdout).not.toMatch(/shard [AD] \(/);
    expect(stdout).toMatch(/messages 0:\d+/);
    const [result] = place.report().results;
    expect(result).toMatchObject({ check: 'messages-readable', judgement: 'fail' });
  });
});

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
    const { code, stdout, stderr } = await place.runJudged(['primary-kill']);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    const { timeline, acts, ledger, topology } = place.report();
    expect(topology.nodes.map(({ name }) => name)).toEqual(['pg1', 'pg2', 'pg3']);
    expect(acts).toMatchObject([{ targets: ['pg1'], picked: 'the primary at that time' }]);
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
