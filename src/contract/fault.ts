/** What every fault promises: it is seen by somebody else, its undo heals, twice is harmless. */

import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { sqlRefusal } from '../cluster/health.ts';
import type { Platform } from '../cluster/platform.ts';
import { defineFault, type Fault } from '../faults/fault.ts';
import { EnvironmentError, InterruptedError } from '../model/errors.ts';
import type { TimedEvent } from '../model/event.ts';
import type { PlannedAct } from '../model/plan.ts';
import type { MovingRole } from '../model/roles.ts';
import { Clients, type Kind } from './clients.ts';
import { defaultsOf, FaultBench, type RoleCluster } from './fault-bench.ts';
import { type Oracle, seenBy } from './oracle.ts';
import { pastSince, remember } from './past.ts';

export interface FaultContract {
  /** Where the faults strike; it must have what they need. */
  readonly platform: Platform;
  /**
   * Formed once, for all faults. Two servers that no engine has formed by default; faults that change roles need a
   * cluster whose roles move, and every other fault may be tried there too.
   */
  readonly cluster?: RoleCluster;
  /** Every fault with somebody else who sees it. */
  readonly faults: readonly FaultCase[];
}

export interface FaultCase {
  readonly fault: Fault;
  readonly oracle: Oracle;
  /** What the node does that is struck. Needed where the contract names a cluster. */
  readonly on?: MovingRole;
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
export function faultContract({ platform, cluster, faults }: FaultContract): FaultBench {
  for (const one of faults) refuseUntriable(one, cluster);
  const bench = FaultBench.of(
    platform,
    faults.map(({ fault }) => fault),
    cluster,
  );
  describe.each(faults.map((each) => ({ ...each, name: nameOf(each) })))('$name', ({ fault, oracle, on }) => {
    beforeEach(() => bench.aim(on));
    isSeen(bench, fault, oracle);
    const unlike = faults.find((one) => one.fault.name === oracle.unlike);
    if (unlike) isNotTakenFor(bench, unlike, oracle);
    namesItsUndo(bench, fault, oracle);
    heals(bench, fault, on);
    provesItself(bench, fault, on);
    if (on !== undefined) looksAtTheRole(bench, fault, on);
  });
  return bench;
}

const nameOf = ({ fault: { name }, on }: FaultCase) => (on === undefined ? name : `${name} on a ${on}`);

/** @throws where the fault cannot be tried on what the contract names. */
function refuseUntriable({ fault: { name, movingRoles }, on }: FaultCase, cluster: RoleCluster | undefined): void {
  if (cluster && !cluster.engine.movingRoles)
    throw new Error(`the roles of the engine ${cluster.engine.name} never move`);
  if (movingRoles && !cluster) throw new Error(`${name} changes roles: name a "cluster" of an engine whose roles move`);
  if (!cluster === (on === undefined)) return;
  throw new Error(
    cluster ? `${name}: say "on" which role it strikes` : `${name}: "on" needs a "cluster" whose roles move`,
  );
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
  const before = await remember(bench.target);
  await using clients = new Clients(bench.target, bench.peer, oracle.kinds, oracle.statements);
  await untilServed(clients, oracle.kinds);
  let looking: Promise<string | undefined> | undefined;
  const onEvent = ({ type }: TimedEvent) => {
    if (type === 'fault-in-effect') looking = oracle.looks?.(bench.target, bench.others);
  };
  const acts = strikesOf(struck, [bench.target.name])?.slice(0, 1);
  const events = await bench.inject(struck, { forMs: oracle.forMs ?? SEEN_WITHIN_MS, acts, onEvent });
  // What is over at once is seen by the attempt after it.
  await sleep(NEXT_ATTEMPT_MS);
  const [looked, past] = [await looking, await pastSince(bench.target, before)];
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
      if (event.type === 'fault-met') expect(event.counts[bench.target.name]).toBeGreaterThan(0);
    }
    expect(seen, met).toBeDefined();
    await bench.expectHealthy();
  });

  test('is not seen where the act is left out, whatever it says of itself', async () => {
    const idle = defineFault<PlannedAct['params'], undefined>({
      ...fault,
      inject: async () => undefined,
      prove: async () => 'in effect, it says',
      met: async () => ({ counts: { [bench.target.name]: 1 }, of: 'packets' }),
    });
    const { seen } = await strikeUnderLoad(bench, idle, oracle);
    expect(seen).toBeUndefined();
  });
}

function isNotTakenFor(bench: FaultBench, other: FaultCase, oracle: Oracle): void {
  test(`is not taken for ${other.fault.name}`, async () => {
    await bench.aim(other.on);
    const { seen } = await strikeUnderLoad(bench, other.fault, oracle);
    expect(seen).toBeUndefined();
    await bench.expectHealthy();
  });
}

function namesItsUndo(bench: FaultBench, fault: Fault, oracle: Oracle): void {
  test('names its undo before anybody could see it', async () => {
    await using clients = new Clients(bench.target, bench.peer, oracle.kinds, oracle.statements);
    await untilServed(clients, oracle.kinds);
    let seenBefore: string | undefined;
    const { injected, heal } = bench.strike(fault, async () => {
      await sleep(UNDO_HEAD_START_MS);
      const looked = await oracle.looks?.(bench.target, bench.others);
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
    await bench.expectRolesAsBefore();
  });
}

function heals(bench: FaultBench, fault: Fault, on: MovingRole | undefined): void {
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
    const { target, peer } = bench;
    // Of a role that moves there may be one node alone.
    const targets = on === undefined ? [target, peer] : [target];
    const acts = strikesOf(
      fault,
      targets.map(({ name }) => name),
    ) as PlannedAct[];
    await using clients = new Clients(target, peer, ['ping']);
    await using others = new Clients(peer, target, ['ping']);
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
    for (const node of [target, peer]) expect(await sqlRefusal(node)).toBeUndefined();
  });
}

function provesItself(bench: FaultBench, fault: Fault, on: MovingRole | undefined): void {
  test.skipIf(isMomentary(fault) && on === undefined)('does not prove itself on a healthy node', async () => {
    const { injected, heal } = bench.strike(fault);
    const evidence = await injected;
    await heal(1);
    // What was promoted may stay so: the node that has the role now was not struck.
    await bench.aim(on);
    await expect(fault.prove([bench.target], defaultsOf(fault), evidence)).rejects.toThrow(EnvironmentError);
  });
}

function looksAtTheRole(bench: FaultBench, fault: Fault, on: MovingRole): void {
  test.skipIf(!fault.movingRoles)(
    'does nothing to a node of another role, which may have changed since the plan',
    async () => {
      await bench.aim(on === 'primary' ? 'standby' : 'primary');
      let deferred = 0;
      const { injected } = bench.strike(fault, async () => void deferred++);
      await expect(injected).rejects.toThrow(EnvironmentError);
      expect(deferred).toBe(0);
      await bench.expectHealthy();
      await bench.expectRolesAsBefore();
    },
  );
}
