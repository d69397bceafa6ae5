/** A worker that freezes for longer than the coordinator waits for it: a shipped scenario that asks little and lasts. */

import { expect, test } from 'vitest';
import { Workplace } from '../support/cli.ts';

test('passes: what waits is told, nothing is lost, and nothing is left', async () => {
  using place = new Workplace();
  const { code, stderr } = await place.runJudged(['frozen-worker']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const effect = place.report().timeline.find((event) => event.type === 'fault-in-effect');
  expect(effect).toMatchObject({ proof: expect.stringMatching(/SQL unanswered/) });
  expect(place.leftovers()).toEqual([]);
});
