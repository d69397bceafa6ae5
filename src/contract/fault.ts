/** What every fault promises: it is seen by somebody else, its undo heals, twice is harmless. */

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { sqlRefusal } from '../cluster/health.ts';
import type { Platform } from '../cluster/platform.ts';
import { defineFault, type Fault } from '../faults/fault.ts';
import { EnvironmentError, InterruptedError } from '../model/errors.ts';
import type { TimedEvent } from '../model/event.ts';
import type { PlannedAct } from '../model/plan.ts';
import { Clients, type Kind } from './clients.ts';
import { defaultsOf, FaultBench } from './fault-bench.ts';
import { type Oracle, seenBy } from './oracle.ts';
import { pastSince, remember } from './past.ts';

export interface FaultContract {
  /** Where the faults strike; it must have what they need. */
  readonly platform: Platform;
  /** Every fault with somebody else who sees it. */
  readonly faults: readonly { readonly fault: Fault; readonly oracle: Oracle }[];
}

/** Over as soon as it has struck, so that what it did stays true. */
const isMomentary = ({ strikes, effect }: Fault) => strikes !== undefined && effect === undefined;

const SERVED_LIMIT_MS = 5_000;
const NEXT_ATTEMPT_MS = 150;
/** For what a fault might have done before it named its undo to be seen. */
const UNDO_HEAD_START_MS = 150;
const SEEN_WITHIN_MS = 600;
const ABORTED_AFTER_MS = 700;
const HEALED_WITHIN_MS = 30_000;

/**
 * Registers the suite of some faults on one platform: on one cluster, one after the other.
 * @returns the cluster, for tests beyond what every fault promises.
 */
export function faultContract({ platform, faults }: FaultContract): FaultBench {
  const bench = FaultBench.of(
    platform,
    faults.map(({ fault }) => fault),
  );
  describe.each(faults.map((each) => ({ ...each, name: each.fault.name })))('$name', ({ fault, oracle }) => {
    isSeen(bench, fault, oracle);
    const unlike = faults.find((one) => one.fault.name === oracle.unlike)?.fault;
    if (unlike) isNotTakenFor(bench, unlike, oracle);
    namesItsUndo(bench, fault, oracle);
    heals(bench, fault);
    provesItself(bench, fault);
  });
  return bench;
}

/** Until every kind of client was answered once. */
async function untilServed(clients: Clients, kinds: readonly Kind[]): Promise<void> {
  const limit = performance.now() + SERVED_LIMIT_MS;
  while (!kinds.every((kind) => clients.of(kind).some(({ code }) => code === undefined))) {
    if (performance.now() > limit) throw new Error('the clients are not served');
    await sleep(10);
  }
}

/** The strikes of a fault that has an end of its own; `undefined` for others. */
function strikesOf(fault: Fault, targets: readonly string[]): PlannedAct[] | undefined {
  const params = defaultsOf(fault);
  return fault.strikes?.(targets, params).map((strike, index) => ({
    index,
    fault: fault.name,
    targets: strike.targets,
    atMs: 0,
    forMs: strike.forMs,
    params,
    ...(index === 0 ? {} : { after: { act: index - 1, gapMs: strike.gapMs } }),
  }));
}

/** Strikes under load. @returns what was recorded, and what the oracle saw beside it. */
async function strikeUnderLoad(bench: FaultBench, struck: Fault, oracle: Oracle) {
  const before = await remember(bench.worker);
  await using clients = new Clients(bench.worker, bench.peer, oracle.kinds, oracle.statements);
  await untilServed(clients, oracle.kinds);
  let looking: Promise<string | undefined> | undefined;
  const onEvent = ({ type }: TimedEvent) => {
    if (type === 'fault-in-effect') looking = oracle.looks?.(bench.worker);
  };
  const acts = strikesOf(struck, [bench.worker.name])?.slice(0, 1);
  const events = await bench.inject(struck, { forMs: oracle.forMs ?? SEEN_WITHIN_MS, acts, onEvent });
  // What is over at once is seen by the attempt after it.
  await sleep(NEXT_ATTEMPT_MS);
  const [looked, past] = [await looking, await pastSince(bench.worker, before)];
  const failures = clients.attempts.filter(({ code }) => code !== undefined);
  const met = `the server ${past}, its clients met ${JSON.stringify(failures.slice(0, 8))}`;
  return { events, met, seen: seenBy(oracle, { clients, looked, past }) };
}

function isSeen(bench: FaultBench, fault: Fault, oracle: Oracle): void {
  test('is seen by somebody else, shows, and its undo heals', async () => {
    const { events, seen, met } = await strikeUnderLoad(bench, fault, oracle);
    const atEnd = fault.met ? ['fault-met'] : [];
    expect(events.map(({ type }) => type)).toEqual([
      'fault-asked',
      'fault-in-effect',
      ...atEnd,
      'heal-asked',
      'healed',
    ]);
    for (const event of events) {
      if (event.type === 'fault-met') expect(event.counts[bench.worker.name]).toBeGreaterThan(0);
    }
    expect(seen, met).toBeDefined();
    await bench.expectHealthy();
  });

  test('is not seen where the act is left out, whatever it says of itself', async () => {
    const idle = defineFault<PlannedAct['params'], undefined>({
      ...fault,
      inject: async () => undefined,
      prove: async () => 'in effect, it says',
      met: async () => ({ counts: { [bench.worker.name]: 1 }, of: 'packets' }),
    });
    const { seen } = await strikeUnderLoad(bench, idle, oracle);
    expect(seen).toBeUndefined();
  });
}

function isNotTakenFor(bench: FaultBench, other: Fault, oracle: Oracle): void {
  test(`is not taken for ${other.name}`, async () => {
    const { seen } = await strikeUnderLoad(bench, other, oracle);
    expect(seen).toBeUndefined();
    await bench.expectHealthy();
  });
}

function namesItsUndo(bench: FaultBench, fault: Fault, oracle: Oracle): void {
  test('names its undo before anybody could see it', async () => {
    await using clients = new Clients(bench.worker, bench.peer, oracle.kinds, oracle.statements);
    await untilServed(clients, oracle.kinds);
    let seenBefore: string | undefined;
    const { injected, heal } = bench.strike(fault, async () => {
      await sleep(UNDO_HEAD_START_MS);
      const looked = await oracle.looks?.(bench.worker);
      // What the server goes through is known only in the end.
      seenBefore ??= seenBy({ ...oracle, past: 'ran on' }, { clients, looked, past: 'ran on' });
    });
    await injected;
    expect(seenBefore).toBeUndefined();
    await heal(1);
    await bench.expectHealthy();
  });

  test('does nothing where its undo cannot be written down', async () => {
    const { injected, release } = bench.strike(fault, async () => {
      throw new Error('the disk is full');
    });
    await expect(injected).rejects.toThrow('the disk is full');
    await release();
    await bench.expectHealthy();
  });
}

function heals(bench: FaultBench, fault: Fault): void {
  test('undoing twice is harmless', async () => {
    const { injected, heal } = bench.strike(fault);
    await injected;
    await heal(2);
    await bench.expectHealthy();
  });

  test('a failure half-way still heals, and is told', async () => {
    const failing = defineFault({
      ...fault,
      async inject(targets, params, context) {
        await fault.inject(targets, params, context);
        throw new EnvironmentError('half-way', { code: 'test' });
      },
    });
    const events = await bench.inject(failing);
    expect(events.map((event) => event.type)).toEqual(['fault-asked', 'fault-failed', 'heal-asked', 'healed']);
    await bench.expectHealthy();
  });

  test('an abort heals at once', async () => {
    const controller = new AbortController();
    const reason = new InterruptedError('test', { code: 'interrupted' });
    setTimeout(() => controller.abort(reason), ABORTED_AFTER_MS);
    const began = performance.now();
    const events = await bench.inject(fault, { signal: controller.signal, forMs: 2 * HEALED_WITHIN_MS });
    expect(performance.now() - began).toBeLessThan(HEALED_WITHIN_MS);
    expect(events.at(-1)?.type).toBe('healed');
    await bench.expectHealthy();
  });

  test.skipIf(!fault.strikes)('strikes one after the other, each once the one before is healed', async () => {
    const { worker, peer } = bench;
    const acts = strikesOf(fault, [worker.name, peer.name]) as PlannedAct[];
    await using clients = new Clients(worker, peer, ['ping']);
    await using others = new Clients(peer, worker, ['ping']);
    await Promise.all([untilServed(clients, ['ping']), untilServed(others, ['ping'])]);
    const events = await bench.inject(fault, { acts });
    expect(events.map((event) => event.type)).toEqual(
      acts.flatMap(() => ['fault-asked', 'fault-in-effect', 'heal-asked', 'healed']),
    );
    expect(events.flatMap((event) => ('act' in event ? [event.act] : []))).toEqual(
      acts.flatMap(({ index }) => [index, index, index, index]),
    );
    for (const { index, after } of acts) {
      const asked = events.find((event) => event.type === 'fault-asked' && event.act === index);
      const healed = events.find((event) => event.type === 'healed' && event.act === after?.act);
      if (after) expect((asked?.at ?? 0) - (healed?.at ?? Infinity)).toBeGreaterThanOrEqual(after.gapMs - 1);
    }
    for (const node of [worker, peer]) expect(await sqlRefusal(node)).toBeUndefined();
  });
}

function provesItself(bench: FaultBench, fault: Fault): void {
  test.skipIf(isMomentary(fault))('does not prove itself on a healthy node', async () => {
    const { injected, heal } = bench.strike(fault);
    const evidence = await injected;
    await heal(1);
    await expect(fault.prove([bench.worker], defaultsOf(fault), evidence)).rejects.toThrow(EnvironmentError);
  });
}
