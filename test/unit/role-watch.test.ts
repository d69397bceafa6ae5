/** The roles of a fake cluster, as a run sees them. */

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { RunEvent, TimedEvent } from '../../src/model/event.ts';
import type { Roles } from '../../src/model/roles.ts';
import type { RunListener } from '../../src/run/recorder.ts';
import { RoleWatch } from '../../src/run/role-watch.ts';

const LONG_MS = 60_000;

function rolesOf(primary: 'pg1' | 'pg2'): Roles {
  const role = (name: string) => (name === primary ? 'primary' : 'standby');
  return { pg1: { role: role('pg1') }, pg2: { role: role('pg2') } };
}

/** Keeps recorded events, and passes them to listeners. */
class PlayedRecorder {
  readonly seen: RunEvent[] = [];
  readonly #listeners: RunListener[] = [];

  event(event: RunEvent): void {
    this.seen.push(event);
    for (const { event: hear } of this.#listeners) hear?.({ at: 0, ...event } as TimedEvent);
  }

  follow(listener: RunListener): void {
    this.#listeners.push(listener);
  }

  get primaries(): string[] {
    return this.seen.flatMap((event) =>
      event.type === 'roles-seen'
        ? Object.entries(event.roles).flatMap(([name, { role }]) => (role === 'primary' ? [name] : []))
        : [],
    );
  }
}

test('a change that the witness sees makes the watch ask for roles at once', async () => {
  let asked = 0;
  let primary: 'pg1' | 'pg2' = 'pg1';
  const recorder = new PlayedRecorder();
  const roles = async () => {
    asked++;
    return rolesOf(primary);
  };
  await using _watch = await RoleWatch.start({ cluster: { roles }, recorder, everyMs: LONG_MS });
  expect(recorder.primaries).toEqual(['pg1']);
  await sleep(20);
  expect(asked).toBe(1);
  primary = 'pg2';
  recorder.event({ type: 'witness-saw', node: 'pg2', role: 'primary', timeline: 2 });
  await expect.poll(() => recorder.primaries).toEqual(['pg1', 'pg2']);
  expect(asked).toBe(2);
});
