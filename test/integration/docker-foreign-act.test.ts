/** `docker stop`, `docker restart` and the like by hand in the middle of a run, by a process that pgquake knows nothing of. */

import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Report } from '../../src/model/report.ts';
import { Workplace } from '../support/cli.ts';
import { dockerMissing, projectOf } from '../support/docker.ts';

const run = promisify(execFile);
const missing = await dockerMissing('test/integration/docker-foreign-act.test.ts');

const scenario = (name: string, fault: string) => `
name: ${name}
summary: Somebody else acts.
cluster: { workers: 2, replication: 2, shards: 2, engine: native }
workload: { use: chat, rooms: 8, messages-per-room: 2, read: { rate: 20/s }, scan: { rate: 5/s }, write: { rate: 5/s } }
probes: { rate: 10/s }
steady-state: { for: 2s }
faults: [${fault}]
settle: { within: 10s }
hypothesis: [{ check: no-lost-writes }]
`;

interface DockerAct {
  readonly node: string;
  readonly act: readonly string[];
  /** Before the next one, so that a look at the nodes lies between. */
  readonly thenMs: number;
}

/** Runs it, and docker beside it as soon as the fault is there. */
async function meanwhile(name: string, fault: string, acts: readonly DockerAct[]): Promise<Report> {
  using place = new Workplace('docker');
  const file = place.scenario(name, scenario(name, fault));
  const running = place.startRun([file], { PGQUAKE_IMAGE: process.env.PGQUAKE_TEST_IMAGE });
  let said = '';
  running.stdout?.on('data', (text: string) => {
    said += text;
  });
  await expect.poll(() => said, { timeout: 90_000, interval: 50 }).toMatch(/in effect/);
  const project = projectOf(place.runFolder());
  for (const { node, act, thenMs } of acts) {
    await run('docker', [...act, `${project}_${node}`]);
    await sleep(thenMs);
  }
  await running.ended;
  return place.report();
}

describe.skipIf(missing !== undefined)('a node that somebody else', () => {
  test('freezes under a fault of the run, restarts within a second, stops, or stops by a signal', async () => {
    const report = await meanwhile('by-hand', '{ fault: lock-table, target: worker2, for: 24s }', [
      { node: 'worker2', act: ['pause'], thenMs: 1_500 },
      { node: 'worker2', act: ['unpause'], thenMs: 1_500 },
      { node: 'worker1', act: ['restart', '-t', '0'], thenMs: 2_500 },
      { node: 'worker1', act: ['stop'], thenMs: 1_500 },
      { node: 'worker1', act: ['start'], thenMs: 2_500 },
      { node: 'worker1', act: ['kill', '-s', 'STOP'], thenMs: 9_000 },
      { node: 'worker1', act: ['kill', '-s', 'CONT'], thenMs: 0 },
    ]);
    const changed = report.timeline.filter((event) => event.type === 'node-changed');
    // Each node is looked at for itself: what two of them did within a second or two may be told in either order.
    const of = (name: string) => changed.flatMap(({ node, to }) => (node === name ? to : []));
    expect(of('worker2')).toEqual(['paused', 'running']);
    expect(of('worker1')).toEqual(['stopped', 'running', 'stopped', 'running', 'silent', 'running']);
    expect(changed).toHaveLength(8);
    expect(report.finding).toMatch(/^Worker2 was paused at .*, and not by pgquake/);
    const judgements = new Map(report.results.map(({ check, judgement }) => [check, judgement]));
    expect(judgements.get('healed')).toBe('unknown');
    expect(judgements.get('fault-took-effect')).toBe('unknown');
    expect(report.judgement).toBe('unknown');
  });
});
