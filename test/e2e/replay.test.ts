/** A run can be run again exactly, from its folder alone. */

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Plan } from '../../src/model/plan.ts';
import { Workplace } from '../support/cli.ts';

const SCENARIO = `name: picked
summary: Some worker goes down, and sessions of another one end.
cluster: { workers: 4, replication: 2, shards: 4 }
workload: { rooms: 20, messages-per-room: 2, read: { rate: 30/s }, write: { rate: 10/s } }
probes: { rate: 10/s }
steady-state: { for: 500ms }
settle: { within: 300ms }
faults:
  - { fault: node-kill, target: { holds-shard-of: room 7, pick: 1 }, for: 500ms }
  - { fault: backend-terminate, target: { not-holding: room 7, pick: 50% }, at: 200ms, at-jitter: 300ms, times: 2, between: 100ms }
hypothesis: [{ check: no-duplicates }]
`;

test('replay strikes the same nodes at the same times, without the scenario and without a seed', async () => {
  using place = new Workplace();
  const file = place.scenario('picked', SCENARIO);
  expect((await place.run([file])).code).toBeLessThanOrEqual(2);
  rmSync(file);
  const folders = () =>
    readdirSync(place.reports)
      .filter((name) => name.includes('picked'))
      .sort();
  const [first] = folders();
  const planIn = (folder: string) => JSON.parse(readFileSync(join(place.reports, folder, 'plan.json'), 'utf8')) as Plan;

  const again = await place.start(['replay', join(place.reports, first as string), '--reports', place.reports]).ended;
  expect(again.code, again.stdout + again.stderr).toBeLessThanOrEqual(2);
  const second = folders().find((name) => name !== first) as string;
  expect(planIn(second)).toEqual(planIn(first as string));
  expect(place.report().run.again).toMatch(new RegExp(` replay \\S*${first}$`));
  const struck = place.report().timeline.flatMap((event) => (event.type === 'fault-in-effect' ? [event.act] : []));
  expect(struck.sort()).toEqual([0, 1, 2]);
  const formed = place.report().timeline.find((event) => event.type === 'cluster-formed');
  const map = formed?.type === 'cluster-formed' ? formed.placement : undefined;
  const holders = map?.partitions[map.partitionOfKey[7] as number]?.copies;
  const [kill, terminate] = planIn(second).acts;
  expect(holders).toContain(kill?.targets[0]);
  expect(holders).not.toContain(terminate?.targets[0]);
  expect(place.leftovers()).toEqual([]);
});

test('what is no run is refused', async () => {
  using place = new Workplace();
  const { code, stderr } = await place.start(['replay', place.folder]).ended;
  expect(code).toBe(3);
  expect(stderr).toContain('plan.json');
});
