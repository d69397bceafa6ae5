/** Guards on a real cluster: what they end is healed, and the run says why. A load that is not borne is in `ramp`. */

import { expect, test } from 'vitest';
import type { Report } from '../../src/model/report.ts';
import { Workplace } from '../support/cli.ts';

const SCENARIO = `name: guarded
summary: A worker is away for much longer than anybody wants.
cluster: { workers: 2, replication: 1, shards: 2 }
workload: { rooms: 20, messages-per-room: 2, read: { rate: 50/s, deadline: 500ms }, write: { rate: 50/s, deadline: 500ms } }
probes: { rate: 10/s }
steady-state: { for: 1s }
settle: { within: 300ms }
faults: [{ fault: node-stop, target: [worker1, worker2], for: 10m }]
hypothesis: [{ check: no-duplicates }]
`;

function of(report: Report, type: string): Record<string, unknown>[] {
  return report.timeline.filter((event) => event.type === type) as unknown as Record<string, unknown>[];
}

test('a condition that holds ends the faults; the run goes on to its final reads and is not judged', async () => {
  using place = new Workplace();
  const text = `${SCENARIO}guards: { abort-when: [{ of: write, below: 50%, for: 1s }] }\n`;
  const { code, stdout, stderr } = await place.run([place.scenario('guarded', text)]);
  expect(code, stdout + stderr).toBe(2);
  const report = place.report();
  const tripped = of(report, 'guard-tripped');
  expect(tripped).toHaveLength(1);
  // A write that was due a moment ago may still be open.
  const [, ok, due, open = 0] =
    /^write: (\d+) of (\d+) ok within 1 s, less than 50 %(?:, (\d+) unanswered)?$/.exec(String(tripped[0]?.reason)) ??
    [];
  expect(Number(ok) / Number(due)).toBeLessThan(0.5);
  expect(Number(ok) + Number(open)).toBeLessThanOrEqual(Number(due));
  expect(of(report, 'healed')).toHaveLength(1);
  expect(of(report, 'phase-ended')).toContainEqual(expect.objectContaining({ phase: 'final-reads' }));
  expect(place.leftovers()).toEqual([]);
});

test('the limit of the whole run ends it, healed, with exit code 4', async () => {
  using place = new Workplace();
  const { code, stderr } = await place.run([place.scenario('guarded', `${SCENARIO}guards: { limit: 6s }\n`)]);
  expect(stderr).toContain('the run took more than 6 s');
  expect(code).toBe(4);
  expect(of(place.report(), 'heal-failed')).toEqual([]);
  expect(place.leftovers()).toEqual([]);
});
