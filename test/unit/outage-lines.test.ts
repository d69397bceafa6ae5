/** What is said live of a cluster that is watched, in fake time. */

import { expect, test } from 'vitest';
import { OutageLines } from '../../src/cli/outage-lines.ts';
import type { TimedEvent } from '../../src/model/event.ts';
import type { Outcome } from '../../src/model/history.ts';

function watch() {
  const said: string[] = [];
  let now = 0;
  const lines = new OutageLines(
    { event: () => undefined, counts: () => undefined, note: (text) => said.push(text), close: () => undefined },
    () => now,
  );
  const phase = (name: string) => lines.event({ at: now, type: 'phase-started', phase: name } as TimedEvent);
  const during = (ms: number, outcome: Outcome, kind = 'write') => {
    for (const end = now + ms; now < end; now += 100) lines.counts(kind, outcome, 1);
  };
  return { said, phase, during };
}

test('an outage is told when it is one, and when it ends, each once and by its kind', () => {
  const { said, phase, during } = watch();
  phase('fault');
  during(1_000, 'ok');
  during(3_000, 'fail');
  during(200, 'ok');
  expect(said).toEqual(['write is out: no success for about 500 ms', 'write is served again, after about 3.1 s']);
});

test('single failures, and what fails while the load is started or ended, are no outage', () => {
  const { said, phase, during } = watch();
  during(3_000, 'fail');
  phase('fault');
  during(300, 'ok');
  during(300, 'unknown');
  during(300, 'ok');
  phase('settle');
  during(3_000, 'fail');
  expect(said).toEqual([]);
});
