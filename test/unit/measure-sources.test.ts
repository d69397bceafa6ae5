/** Probes and load side by side: the worse one counts; if they agree, the probes give the borders. */

import { describe, expect, test } from 'vitest';
import { outage } from '../../src/checks/outage.ts';
import { recoveryTime } from '../../src/checks/recovery-time.ts';
import { figuresOf } from '../../src/measure/figures.ts';
import type { History, Operation } from '../../src/model/history.ts';
import { buildHistory, REFUSED, timesOf, within } from '../support/history-builder.ts';

const { effectMs, healAskedMs } = timesOf();
const inFault = within(effectMs, healAskedMs);

/** Probes see nothing of it: their table is another one. */
function seenByLoadAlone(answer: (operation: Operation) => Partial<Operation> | undefined, kind = 'read'): History {
  return buildHistory({ probe: () => undefined, answer: (one) => (one.kind === kind ? answer(one) : undefined) });
}

/** A lock from `effectMs` for 4 s: operations give up after 1 s; those that wait when it ends are answered. */
function waiting({ intendedAt }: Operation): Partial<Operation> | undefined {
  if (intendedAt < effectMs || intendedAt >= healAskedMs) return undefined;
  return intendedAt + 1_000 < healAskedMs
    ? { outcome: 'fail', settledAt: intendedAt + 1_000, errorCode: 'deadline', errorText: 'no answer' }
    : { settledAt: healAskedMs + 1 };
}

const outagesOf = (history: History, kind = 'read', partition?: string) =>
  figuresOf(history).windows.filter((w) => w.kind === kind && w.type === 'outage' && w.partition === partition);

const judged = (history: History, written: object) =>
  outage.check(history, outage.params.parse(written), { asked: true });

describe('windows that only the load sees', () => {
  test('a lock on the table of the load is an outage for as long as the lock', () => {
    const history = seenByLoadAlone(waiting);
    const [one, ...others] = outagesOf(history);
    expect(others).toEqual([]);
    expect(one).toMatchObject({ seenBy: 'load' });
    expect(one?.durationMs).toBeGreaterThan(3_950);
    expect(one?.durationMs).toBeLessThan(4_050);
    expect(judged(history, { of: 'read', max: '1s' })).toMatchObject({
      judgement: 'fail',
      evidence: expect.arrayContaining([expect.stringMatching(/^probes and load disagree on reads: /)]),
    });
    expect(judged(history, { of: 'read', shard: 'B', max: '1s' }).judgement).toBe('fail');
  });

  test('a lock that ends before an operation gives up is an outage too', () => {
    const until = effectMs + 900;
    const history = seenByLoadAlone(({ intendedAt }) =>
      intendedAt >= effectMs && intendedAt < until ? { settledAt: until + 1 } : undefined,
    );
    expect(outagesOf(history).map(({ durationMs }) => Math.round(durationMs / 100))).toEqual([9]);
  });

  test('answers that are slow one after the other are a brownout and no outage', () => {
    const history = seenByLoadAlone((operation) =>
      inFault(operation) ? { settledAt: operation.intendedAt + 700 } : undefined,
    );
    expect(outagesOf(history)).toEqual([]);
    const [brownout] = figuresOf(history).windows.filter((w) => w.kind === 'read' && w.partition === undefined);
    expect(brownout).toMatchObject({ type: 'brownout', seenBy: 'load', failed: 0 });
  });

  test('if one operation in four succeeds, it is a brownout, never "no outage, no brownout"', () => {
    const history = seenByLoadAlone((operation) =>
      inFault(operation) && operation.id % 4 !== 0 ? REFUSED : undefined,
    );
    const figures = figuresOf(history);
    const share = figures.availability.find((one) => one.kind === 'read' && one.span === 'fault')?.figures.share ?? 1;
    expect(share).toBeLessThan(0.3);
    expect(figures.windows.some((w) => w.kind === 'read' && w.partition === undefined && w.failed > 200)).toBe(true);
    expect(figures.disagreements).toMatchObject([{ kind: 'read', toldBy: 'load' }]);
  });

  test('one route, one shard: an outage of that shard', () => {
    const history = seenByLoadAlone((operation) =>
      inFault(operation) && operation.partition === 1 ? REFUSED : undefined,
    );
    expect(outagesOf(history)).toEqual([]);
    expect(outagesOf(history, 'read', 'B')).toMatchObject([{ seenBy: 'load' }]);
    expect(outagesOf(history, 'read', 'A')).toEqual([]);
  });

  test('recovery is counted from it', () => {
    const history = seenByLoadAlone((operation) => (inFault(operation) ? REFUSED : undefined), 'write');
    const finding = recoveryTime.check(history, recoveryTime.params.parse({ of: 'write', max: '2s' }), { asked: true });
    expect(finding.judgement).toBe('fail');
    expect(finding.evidence).toEqual(
      expect.arrayContaining([expect.stringMatching(/^probes and load disagree on writes: /)]),
    );
  });

  test('the note names both figures', () => {
    expect(figuresOf(seenByLoadAlone(waiting)).disagreements).toEqual([
      {
        kind: 'read',
        toldBy: 'load',
        probes: { outageMs: 0, brownoutMs: 0, ok: expect.any(Number), tried: expect.any(Number) },
        load: {
          outageMs: expect.closeTo(4_000, -2),
          brownoutMs: expect.any(Number),
          ok: expect.any(Number),
          tried: expect.any(Number),
        },
      },
    ]);
  });
});

describe('where only the load watches', () => {
  /** All who ask in the span wait for its end, and are answered then. */
  const held = (fromMs: number, untilMs: number, kind: string): History =>
    buildHistory({
      answer: (one) =>
        one.kind === kind && one.intendedAt >= fromMs && one.intendedAt < untilMs
          ? { settledAt: untilMs + 1 }
          : undefined,
    });

  test.each(['read', 'write', 'scan'])('%ss that wait and are all answered in the end: an outage', (kind) => {
    const history = held(effectMs, effectMs + 900, kind);
    const [one, ...others] = outagesOf(history, kind);
    expect(others).toEqual([]);
    expect(one).toMatchObject({ seenBy: 'load', ok: 0 });
    expect(one?.durationMs).toBeGreaterThan(700);
    expect(one?.toMs).toBeCloseTo(effectMs + 901, 0);
    expect(judged(history, { of: kind, max: '500ms' }).judgement).toBe('fail');
  });

  test('a scan that waits beside reads that do not: probes watch no scan', () => {
    const until = effectMs + 900;
    const history = buildHistory({
      probe: () => undefined,
      answer: (one) =>
        one.kind === 'scan' && one.intendedAt >= effectMs && one.intendedAt < until ? { settledAt: until } : undefined,
    });
    expect(outagesOf(history, 'scan')).toMatchObject([{ seenBy: 'load' }]);
    expect(outagesOf(history)).toEqual([]);
  });

  test('one shard alone: an outage of that shard', () => {
    const until = effectMs + 900;
    const history = buildHistory({
      answer: (one) =>
        one.kind === 'read' && one.partition === 1 && one.intendedAt >= effectMs && one.intendedAt < until
          ? { settledAt: until + 1 }
          : undefined,
    });
    expect(outagesOf(history)).toEqual([]);
    expect(outagesOf(history, 'read', 'B')).toMatchObject([{ seenBy: 'load' }]);
  });

  test('answers that are slow one after the other are a brownout and no outage', () => {
    const history = buildHistory({
      answer: (one) => (one.kind === 'read' && inFault(one) ? { settledAt: one.intendedAt + 700 } : undefined),
    });
    expect(outagesOf(history)).toEqual([]);
  });
});

describe('windows that both see', () => {
  test('the probes give the borders to the millisecond, without a disagreement', () => {
    const gone = (one: Operation) => (inFault(one) ? REFUSED : undefined);
    const history = buildHistory({ probe: gone, answer: gone });
    expect(outagesOf(history)).toMatchObject([{ seenBy: 'probes' }]);
    expect(figuresOf(history).disagreements).toEqual([]);
  });

  test('the load needs a moment longer for its connections: still the probes', () => {
    const gone = (untilMs: number) => (one: Operation) =>
      one.intendedAt >= effectMs && one.intendedAt < untilMs ? REFUSED : undefined;
    const history = buildHistory({ probe: gone(healAskedMs), answer: gone(healAskedMs + 300) });
    const [one] = outagesOf(history);
    expect(one).toMatchObject({ seenBy: 'probes' });
    expect(one?.toMs).toBeLessThan(healAskedMs + 50);
  });

  test('if the load is out for much longer, it counts, from the earlier start on', () => {
    const gone = (untilMs: number) => (one: Operation) =>
      one.intendedAt >= effectMs && one.intendedAt < untilMs ? REFUSED : undefined;
    const history = buildHistory({ probe: gone(effectMs + 500), answer: gone(healAskedMs) });
    const [one, ...others] = outagesOf(history);
    expect(others).toEqual([]);
    expect(one).toMatchObject({ seenBy: 'load' });
    expect(one?.durationMs).toBeGreaterThan(3_900);
  });
});

describe('windows that only the probes see', () => {
  test('counts, and the report says that the load saw nothing of it', () => {
    const history = buildHistory({ probe: (one) => (inFault(one) ? REFUSED : undefined) });
    expect(outagesOf(history)).toMatchObject([{ seenBy: 'probes' }]);
    expect(figuresOf(history).disagreements?.map(({ kind, toldBy }) => [kind, toldBy])).toEqual([
      ['read', 'probes'],
      ['write', 'probes'],
    ]);
    const finding = recoveryTime.check(history, recoveryTime.params.parse({ of: 'read', max: '1s' }), { asked: true });
    expect(finding.judgement).toBe('fail');
  });
});
