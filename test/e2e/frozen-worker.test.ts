/**
 * A worker that freezes: a shipped scenario, shortened. It lasts for as long as it does because Citus gives a connection up
 * after 30 s; the native engine waits on.
 */

import { expect, test } from 'vitest';
import { Workplace } from '../support/cli.ts';

test('passes: what waits is told, nothing is lost, and nothing is left', async () => {
  using place = new Workplace();
  const shorter = ['faults[0].for=9s', 'probes.deadline=12s'].flatMap((change) => ['--set', change]);
  const { code, stderr } = await place.runJudged(['frozen-worker', ...shorter]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const effect = place.report().timeline.find((event) => event.type === 'fault-in-effect');
  expect(effect).toMatchObject({ proof: expect.stringMatching(/SQL unanswered/) });
  // What pgquake itself does to nodes is never told as somebody else's act.
  expect(place.report().timeline.filter((event) => event.type === 'node-changed')).toEqual([]);
  expect(place.leftovers()).toEqual([]);
});
