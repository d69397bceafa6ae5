/** One lane of the witness, on a fake node. */

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { monotonicClock } from '../../src/model/clock.ts';
import type { Operation } from '../../src/model/history.ts';
import { type WitnessedNode, WitnessLane } from '../../src/run/witness-lane.ts';
import type { Said } from '../../src/run/witness-table.ts';
import { WITNESS_SQL } from '../../src/run/witness-table.ts';
import { FakeSession } from '../support/fake-session.ts';

const CLOCK = monotonicClock();
const TIMES = { everyMs: 5, retryMs: 5, freshForMs: 60 };

/** A node that is a standby, a primary on a timeline, or refuses connections. */
class PlayedNode {
  state: 'standby' | number | 'away' = 'standby';
  /** While it is set, the node answers nothing. */
  frozen: Promise<void> | undefined;
  readonly sessions: FakeSession[] = [];
  readonly operations: Omit<Operation, 'id'>[] = [];
  readonly said: Said[] = [];

  lane(fresh: boolean, everyMs = TIMES.everyMs): WitnessLane {
    let seq = 0;
    const node: WitnessedNode = {
      number: 2,
      name: 'pg2',
      run: 7,
      connect: async () => {
        if (this.state === 'away') throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
        const session = new PlayedSession(this);
        this.sessions.push(session);
        return session.asSession();
      },
      nextSeq: () => ++seq,
      nextSession: () => this.sessions.length,
      settled: (operation) => void this.operations.push(operation),
      said: (said) => {
        if (JSON.stringify(this.said.at(-1)) !== JSON.stringify(said)) this.said.push(said);
      },
    };
    return new WitnessLane(node, { clock: CLOCK, fresh, times: { ...TIMES, everyMs } });
  }

  of(kind: string): Omit<Operation, 'id'>[] {
    return this.operations.filter((operation) => operation.kind === kind);
  }
}

class PlayedSession extends FakeSession {
  readonly #node: PlayedNode;
  #broken: (error: Error) => void = () => undefined;

  constructor(node: PlayedNode) {
    super();
    this.#node = node;
  }

  override async query(text?: string, values?: readonly unknown[], options = {}): Promise<unknown[][]> {
    this.answer = async () => {
      const discarded = new Promise<never>((_, reject) => {
        this.#broken = reject;
      });
      await Promise.race([this.#node.frozen, discarded]);
      const { state } = this.#node;
      if (text === WITNESS_SQL.ask) return [[state === 'standby']];
      if (typeof state !== 'number') throw Object.assign(new Error('read-only'), { code: '25006' });
      return [[state.toString(16).padStart(8, '0')]];
    };
    return await super.query(text, values, options);
  }

  override discard(): void {
    super.discard();
    this.#broken(new Error('Connection terminated'));
  }
}

const POLL = { interval: 5, timeout: 10_000 };

test('a standby is asked and never written to; a promoted one is written to at once, and names its timeline', async () => {
  const node = new PlayedNode();
  const lane = node.lane(false);
  await lane.open(1_000);
  lane.start();
  await expect.poll(() => node.of('kept-ask').length, POLL).toBeGreaterThan(2);
  expect(node.of('kept-write')).toEqual([]);
  expect(node.of('kept-ask').every(({ outcome, partitionKey }) => outcome === 'ok' && partitionKey === 2)).toBe(true);
  node.state = 2;
  const writesOk = () => node.of('kept-write').filter(({ outcome }) => outcome === 'ok');
  await expect.poll(() => writesOk().length, POLL).toBeGreaterThan(2);
  await lane.stop();
  const writes = writesOk();
  expect(writes.map(({ key }) => key)).toEqual(writes.map((_, i) => `2:${i + 1}`));
  expect(node.said).toEqual([{ role: 'standby' }, { role: 'primary', timeline: 2 }]);
  expect(node.sessions).toHaveLength(1);
});

test('lanes ask at the same times, however they started', async () => {
  const everyMs = 100;
  const [one, other] = [new PlayedNode(), new PlayedNode()];
  const lanes = [one.lane(false, everyMs), other.lane(false, everyMs)] as const;
  await Promise.all(lanes.map((lane) => lane.open(1_000)));
  lanes[0].start();
  await sleep(everyMs / 2);
  lanes[1].start();
  await sleep(6 * everyMs);
  await Promise.all(lanes.map((lane) => lane.stop()));
  // At their start, then on multiples of their pause, give or take a timer's error.
  const offMs = [one, other].flatMap((node) =>
    node
      .of('kept-ask')
      .slice(2)
      .map(({ sentAt }) => Math.abs(sentAt - Math.round(sentAt / everyMs) * everyMs)),
  );
  expect(offMs.length).toBeGreaterThan(6);
  expect(offMs.filter((ms) => ms < everyMs / 4).length / offMs.length).toBeGreaterThan(0.7);
});

test('a kept session waits for a frozen node without a limit; a fresh one does not', async () => {
  const node = new PlayedNode();
  node.state = 1;
  const [kept, fresh] = [node.lane(false), node.lane(true)];
  for (const lane of [kept, fresh]) {
    await lane.open(1_000);
    lane.start();
  }
  let thaw: () => void = () => undefined;
  node.frozen = new Promise((resolve) => {
    thaw = resolve;
  });
  await sleep(5 * TIMES.freshForMs);
  const frozenAt = node.of('kept-write').length;
  expect(node.of('fresh-write').filter(({ errorCode }) => errorCode === 'deadline').length).toBeGreaterThan(0);
  node.frozen = undefined;
  thaw();
  await sleep(40);
  await Promise.all([kept.stop(), fresh.stop()]);
  const waited = node.of('kept-write')[frozenAt] as Operation;
  expect(waited.outcome).toBe('ok');
  expect(waited.settledAt - waited.sentAt).toBeGreaterThan(4 * TIMES.freshForMs);
  expect(new Set(node.of('kept-write').map(({ session }) => session)).size).toBe(1);
});

test('fresh sessions are replaced regularly', async () => {
  const node = new PlayedNode();
  node.state = 1;
  const lane = node.lane(true);
  await lane.open(1_000);
  lane.start();
  await sleep(4 * TIMES.freshForMs);
  await lane.stop();
  expect(node.sessions.length).toBeGreaterThan(2);
  expect(new Set(node.of('fresh-write').map(({ session }) => session)).size).toBeGreaterThan(2);
  expect(node.sessions.filter(({ usable }) => usable)).toEqual([]);
});

test('a node that refuses connections is tried again, and each refusal is recorded', async () => {
  const node = new PlayedNode();
  node.state = 1;
  const lane = node.lane(false);
  await lane.open(1_000);
  lane.start();
  await sleep(20);
  node.state = 'away';
  for (const session of node.sessions) session.discard();
  await sleep(40);
  const refused = node.of('kept-ask').filter(({ errorCode }) => errorCode === 'ECONNREFUSED');
  expect(refused.length).toBeGreaterThan(1);
  expect(refused.every(({ outcome }) => outcome === 'fail')).toBe(true);
  node.state = 3;
  await sleep(40);
  await lane.stop();
  expect(node.said.at(-1)).toEqual({ role: 'primary', timeline: 3 });
});

test('a write without an answer at the end is unknown', async () => {
  const node = new PlayedNode();
  node.state = 1;
  const lane = node.lane(false);
  await lane.open(1_000);
  node.frozen = new Promise(() => undefined);
  lane.start();
  await sleep(20);
  await lane.stop();
  expect(node.of('kept-write').at(-1)).toMatchObject({ outcome: 'unknown' });
});
