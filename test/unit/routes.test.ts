/** Routes side by side: windows, losses and the way to a new primary of each. */

import { describe, expect, test } from 'vitest';
import { failoverTime } from '../../src/checks/failover-time.ts';
import { outage } from '../../src/checks/outage.ts';
import { figuresOf } from '../../src/measure/figures.ts';
import { routeLines } from '../../src/measure/route-words.ts';
import { takeoversOf } from '../../src/measure/takeovers.ts';
import type { TimedEvent } from '../../src/model/event.ts';
import type { History, Operation, OperationKind, ProbeKind } from '../../src/model/history.ts';
import { OperationTable } from '../../src/model/operations.ts';
import { KINDS, PROBES, REFUSED, timesOf } from '../support/history-builder.ts';
import { failedOver, type WitnessedSpec, witnessedHistory } from '../support/witnessed-history.ts';

const { effectMs, loadEndMs } = timesOf();
const PROMOTED_MS = effectMs + 1_000;
/** The proxy sees the new primary so much later. */
const PROXY_MS = 1_500;
const READ = KINDS.find(({ name }) => name === 'read') as OperationKind;

const by = (route: string, nth: number): ProbeKind[] =>
  PROBES.map((probe) => ({ ...probe, name: nth === 0 ? probe.name : `${probe.name}@${route}`, route }));

/** Writes are out by `direct` for 1.2 s, and by `proxy` for longer. The probes of both are those of one, renamed. */
function sideBySide({
  gone = 0,
  read = true,
  elsewhere = false,
}: {
  readonly gone?: number;
  readonly read?: boolean;
  /** Another primary has what is gone. */
  readonly elsewhere?: boolean;
} = {}): History {
  const outFor = (ms: number) => (one: Operation) =>
    one.kind.includes('write') && one.intendedAt >= effectMs && one.intendedAt < effectMs + ms ? REFUSED : undefined;
  const spec = (ms: number): WitnessedSpec => ({
    does: failedOver(effectMs, PROMOTED_MS, loadEndMs),
    final: { node: 'pg2', timeline: 2 },
    history: { answer: outFor(1_200), probe: outFor(ms) },
  });
  const direct = witnessedHistory(spec(1_200));
  const proxied = witnessedHistory(spec(1_200 + PROXY_MS));
  let seq = 0;
  const keyed = (all: Iterable<Operation>, route: string, nth: number): Operation[] =>
    [...all].map((one) => ({
      ...one,
      kind: nth === 0 ? one.kind : `${one.kind}@${route}`,
      ...(one.kind === 'probe-write' ? { key: `7:${++seq}` } : {}),
    }));
  const probes = [...keyed(direct.probes, 'direct', 0), ...keyed(proxied.probes, 'proxy', 1)];
  const acknowledged = probes.flatMap(({ key, outcome, kind }) => (outcome === 'ok' && key ? [{ key, kind }] : []));
  const lost = new Set(
    acknowledged
      .filter(({ kind }) => kind.endsWith('@proxy'))
      .slice(0, gone)
      .map(({ key }) => key),
  );
  const present = acknowledged.flatMap(({ key }) => (lost.has(key) ? [] : [key.split(':')[1] as string]));
  const events = direct.events.map((event) =>
    event.type === 'cluster-formed'
      ? { ...event, routes: (['direct', 'proxy'] as const).map((name) => ({ name, access: 'write' as const })) }
      : event,
  );
  const inTheEnd: TimedEvent[] = read
    ? [
        {
          at: loadEndMs + 200,
          type: 'probes-read',
          present: { 7: present.join(',') },
          ...(elsewhere ? { onPrimaries: { 7: acknowledged.map(({ key }) => key.split(':')[1]).join(',') } } : {}),
        },
      ]
    : [];
  return {
    ...direct,
    events: [...events, ...inTheEnd].sort((a, b) => a.at - b.at),
    run: { ...direct.run, probes: [...by('direct', 0), ...by('proxy', 1)] },
    probes: OperationTable.inOrder(probes),
  };
}

describe('two routes that are probed', () => {
  const history = sideBySide({ gone: 3 });
  const routes = figuresOf(history).routes ?? [];

  test('each has its own windows', () => {
    expect(routeLines(routes)[0]).toEqual([
      'routes',
      expect.stringMatching(/^writes out: direct 1\.2 s ± \d+ ms, proxy 2\.7 s ± \d+ ms; /),
    ]);
    expect(routeLines(routes)[1]?.[1]).toBe('reads out: direct none, proxy none');
  });

  test('the load, which uses one of them, is timed by the probes of that one', () => {
    expect(outage.check(history, { of: 'write', during: 'fault', max: 1_300 })).toMatchObject({
      judgement: 'pass',
      observed: expect.stringMatching(/^one outage of 1\.2 s/),
    });
  });

  test('each has its own losses: of the load, and of its probes', () => {
    const writes = routes
      .filter(({ access }) => access === 'write')
      .map(({ route, lost }) => [route, lost?.load?.lost, lost?.probes?.lost]);
    expect(writes).toEqual([
      ['direct', 0, 0],
      ['proxy', undefined, 3],
    ]);
  });

  test('what another primary has is not gone, though clients read the one that lacks it', () => {
    const twoPrimaries = sideBySide({ gone: 3, elsewhere: true });
    const proxy = figuresOf(twoPrimaries).routes?.find(({ route, access }) => route === 'proxy' && access === 'write');
    expect(proxy?.lost?.probes?.lost).toBe(0);
  });

  test('losses of the probes are unknown if their rows were not read', () => {
    const unread = figuresOf(sideBySide({ read: false })).routes ?? [];
    expect(unread.map(({ lost }) => lost?.probes ?? null)).toEqual([null, null, null, null]);
  });

  test('a new primary is reached by each at its own time', () => {
    const [takeover] = takeoversOf(history);
    const after = takeover?.reached.map(({ route, moment }) => [
      route,
      Math.round(((moment?.atMs ?? 0) - effectMs) / 100),
    ]);
    expect(after).toEqual([
      [undefined, 12],
      ['proxy', 27],
    ]);
    const judged = (max: number, route?: string) => failoverTime.check(history, { max, route }).judgement;
    expect([judged(2_000, 'direct'), judged(2_000, 'proxy'), judged(3_000, 'proxy')]).toEqual(['pass', 'fail', 'pass']);
    // Without a route the slowest counts.
    expect([judged(2_000), judged(3_000)]).toEqual(['fail', 'pass']);
    expect(failoverTime.check(history, { max: 2_000, route: 'standby' })).toMatchObject({
      judgement: 'unknown',
      observed: 'nothing is written by route standby',
    });
  });
});

test('a route without probes is timed by the load alone', () => {
  const refused = ({ kind, intendedAt }: Operation) =>
    kind === 'probe-read' && intendedAt >= effectMs && intendedAt < effectMs + 1_000 ? REFUSED : undefined;
  const reading = (route: string) =>
    witnessedHistory({
      does: failedOver(effectMs, PROMOTED_MS, loadEndMs),
      history: { kinds: [{ ...READ, route }], probe: refused },
    });
  const outages = (history: History) =>
    figuresOf(history).windows.filter(({ type, partition }) => type === 'outage' && !partition);
  expect(outages(reading('direct'))).toHaveLength(1);
  expect(outages(reading('standby'))).toEqual([]);
});
