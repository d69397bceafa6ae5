/** How long until another node took writes, moment by moment. */

import { describe, expect, test } from 'vitest';
import { takeoversOf } from '../../src/measure/takeovers.ts';
import type { TimedEvent } from '../../src/model/event.ts';
import type { Operation } from '../../src/model/history.ts';
import type { Roles } from '../../src/model/roles.ts';
import { REFUSED, timesOf } from '../support/history-builder.ts';
import { failedOver, type NodeDoes, type WitnessedSpec, witnessedHistory } from '../support/witnessed-history.ts';

const { askedMs, effectMs, loadEndMs } = timesOf();
const PROMOTED_MS = effectMs + 1_000;
const BACK_MS = effectMs + 1_200;

const roles = (primary: string, timeline: number): Roles => ({
  pg1: { role: 'standby', timeline },
  pg2: { role: 'standby', timeline },
  pg3: { role: 'standby', timeline },
  [primary]: { role: 'primary', timeline },
});
const seen = (at: number, of: Roles): TimedEvent => ({ at, type: 'roles-seen', roles: of });

/** Writes fail from the fault on until `BACK_MS`. */
const outUntilBack = (one: Operation) =>
  one.kind === 'write' && one.intendedAt >= effectMs && one.intendedAt < BACK_MS ? REFUSED : undefined;

const failover = (more: Partial<WitnessedSpec> = {}) =>
  witnessedHistory({
    does: failedOver(effectMs, PROMOTED_MS, loadEndMs),
    history: { answer: outUntilBack },
    ...more,
  });

describe('a failover', () => {
  test('is split into the first failure, the promotion and the first write on the new primary', () => {
    const [one, ...others] = takeoversOf(failover());
    expect(others).toEqual([]);
    expect(one).toMatchObject({ from: 'pg1', to: 'pg2', timeline: 2, sinceMs: effectMs, act: 0 });
    expect(one?.failed?.atMs).toBeGreaterThanOrEqual(effectMs);
    expect(one?.failed?.atMs).toBeLessThan(effectMs + 20);
    expect(one?.failed?.uncertaintyMs).toBeLessThanOrEqual(20);
    // The witness had asked the standby up to 50 ms before.
    expect(one?.promoted.atMs).toBe(PROMOTED_MS + 2);
    expect(one?.promoted.uncertaintyMs).toBeLessThanOrEqual(52);
    expect(one?.reached).toHaveLength(1);
    const { kind, moment } = one?.reached[0] ?? {};
    expect(kind).toBe('write');
    expect(moment?.atMs).toBeGreaterThanOrEqual(BACK_MS);
    expect(moment?.atMs).toBeLessThan(BACK_MS + 30);
    expect(moment?.uncertaintyMs).toBeLessThanOrEqual(30);
  });

  test('has what the manager said of it', () => {
    const step = (at: number, name: 'noticed' | 'elected'): TimedEvent => ({
      at,
      type: 'failover',
      step: name,
      from: 'pg1',
      to: 'pg2',
      detail: 'it has received most',
    });
    const more = [step(effectMs + 700, 'noticed'), step(effectMs + 800, 'elected')];
    expect(takeoversOf(failover({ more }))).toMatchObject([{ noticedMs: effectMs + 700, electedMs: effectMs + 800 }]);
  });

  test('without a witness is timed by the looks at the roles, to their spacing', () => {
    const more = [
      seen(1_000, roles('pg1', 1)),
      seen(effectMs + 400, roles('pg1', 1)),
      seen(effectMs + 1_400, roles('pg2', 2)),
    ];
    const [one] = takeoversOf(failover({ does: [], more }));
    expect(one).toMatchObject({ from: 'pg1', to: 'pg2', promoted: { atMs: effectMs + 1_400, uncertaintyMs: 1_000 } });
  });

  test('is no sooner by a look that came later, and no later by one that came sooner', () => {
    const more = [seen(1_000, roles('pg1', 1)), seen(effectMs + 1_400, roles('pg2', 2))];
    expect(takeoversOf(failover({ more }))).toMatchObject([{ promoted: { atMs: PROMOTED_MS + 2 } }]);
  });

  test('that no write reaches within the run says so', () => {
    const answer = (one: Operation) => (one.kind === 'write' && one.intendedAt >= effectMs ? REFUSED : undefined);
    expect(takeoversOf(failover({ history: { answer } }))[0]?.reached).toEqual([{ kind: 'write', moment: null }]);
  });

  test('is none where the old primary comes back by itself', () => {
    const does: readonly NodeDoes[] = [
      { node: 'pg1', fromMs: 1_000, toMs: effectMs, does: 'acknowledges' },
      { node: 'pg1', fromMs: effectMs + 1_000, toMs: loadEndMs, does: 'acknowledges' },
    ];
    expect(takeoversOf(failover({ does }))).toEqual([]);
  });

  test('is none where no fault came before it', () => {
    const does = failedOver(1_500, 2_000, loadEndMs);
    expect(takeoversOf(witnessedHistory({ does }))).toEqual([]);
  });
});

test('a fault that itself makes the new primary counts from when it was asked for', () => {
  const does = failedOver(askedMs + 1, askedMs + 5, loadEndMs);
  expect(takeoversOf(witnessedHistory({ does }))).toMatchObject([{ sinceMs: askedMs }]);
});

test('a write that the old primary took after the promotion has not reached the new one', () => {
  // Clients stay with the old primary for another 500 ms; what it took since the promotion is lost.
  const lost: string[] = [];
  const history = witnessedHistory({
    does: failedOver(effectMs, PROMOTED_MS, loadEndMs),
    history: {
      answer: (one) => {
        if (one.key && one.intendedAt >= PROMOTED_MS && one.intendedAt < PROMOTED_MS + 500) lost.push(one.key);
        return undefined;
      },
      finalKeys: ({ coordinator, placements }) => {
        for (const keys of [coordinator, ...placements.values()]) for (const key of lost) keys.delete(key);
      },
    },
  });
  const { moment } = takeoversOf(history)[0]?.reached[0] ?? {};
  expect(moment?.atMs).toBeGreaterThanOrEqual(PROMOTED_MS + 500);
  expect(moment?.atMs).toBeLessThan(PROMOTED_MS + 530);
});
