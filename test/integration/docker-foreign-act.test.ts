/** `docker stop`, `docker restart` and the like by hand in the middle of a run, by a process that pgquake knows nothing of. */

import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Report } from '../../src/model/report.ts';
import { Workplace } from '../support/cli.ts';
import { dockerMissing } from '../support/docker.ts';

const run = promisify(execFile);
const missing = await dockerMissing('test/integration/docker-foreign-act.test.ts');

const scenario = (name: string, fault: string) => `
name: ${name}
summary: Somebody else acts.
cluster: { workers: 2, replication: 2, shards: 2, engine: native }
workload: { use: chat, rooms: 8, messages-per-room: 2, read: { rate: 20/s }, scan: { rate: 1/s }, write: { rate: 5/s } }
steady-state: { for: 2s }
faults: [${fault}]
settle: { within: 10s }
hypothesis: [{ check: no-lost-writes }]
`;

/** Runs it, and docker beside it as soon as the fault is there. */
async function meanwhile(
  name: string,
  fault: string,
  acts: readonly (readonly string[])[],
  apartMs: number,
): Promise<Report> {
  using place = new Workplace('docker');
  const file = place.scenario(name, scenario(name, fault));
  const running = place.startRun([file], { PGQUAKE_IMAGE: process.env.PGQUAKE_TEST_IMAGE });
  let said = '';
  running.stdout?.on('data', (text: string) => {
    said += text;
  });
  await expect.poll(() => said, { timeout: 90_000, interval: 50 }).toMatch(/in effect/);
  const [runFolder = ''] = readdirSync(place.reports).filter((entry) => entry.endsWith(name));
  const project = /pgquake-[0-9a-f]{8}/.exec(readFileSync(join(place.reports, runFolder, 'cluster.json'), 'utf8'))?.[0];
  const id = `${project}_worker2`;
  for (const act of acts) {
    await run('docker', [...act, id]);
    await sleep(apartMs);
  }
  await running.ended;
  return place.report();
}

describe.skipIf(missing !== undefined)('a node that somebody else', () => {
  test.each([
    ['stops and starts', 'stopped', 'worker1', [['stop'], ['start']], 1_500],
    ['restarts within a second', 'stopped', 'worker1', [['restart', '-t', '0']], 1_500],
    ['freezes under a fault of the run', 'paused', 'worker2', [['pause'], ['unpause']], 1_500],
    [
      'stops by a signal',
      'silent',
      'worker1',
      [
        ['kill', '-s', 'STOP'],
        ['kill', '-s', 'CONT'],
      ],
      9_000,
    ],
  ])('%s: the report opens with it, and nothing is green', async (_, state, target, acts, apartMs) => {
    const report = await meanwhile('by-hand', `{ fault: lock-table, target: ${target}, for: 12s }`, acts, apartMs);
    expect(report.finding).toMatch(new RegExp(`^Worker2 was ${state} at .*, and not by pgquake`));
    const judgements = new Map(report.results.map(({ check, judgement }) => [check, judgement]));
    expect(judgements.get('healed')).toBe('unknown');
    expect(judgements.get('fault-took-effect')).toBe('unknown');
    expect(report.judgement).toBe('unknown');
  });
});
