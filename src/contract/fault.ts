/** What every fault promises: an independent oracle sees it, its undo heals, and a second undo is harmless. */

import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Platform } from '../cluster/platform.ts';
import { defineFault, type Fault, type FaultContext } from '../faults/fault.ts';
import { EnvironmentError } from '../model/errors.ts';
import type { TimedEvent } from '../model/event.ts';
import type { PlannedAct } from '../model/plan.ts';
import type { MovingRole } from '../model/roles.ts';
import { defaultsOf, FaultBench, type InjectOptions, type RoleCluster } from './fault-bench.ts';
import { HEALED_WITHIN_MS, heals, looksAtTheRole, needsItsUndoWritten, strikesOf } from './fault-heals.ts';
import type { Oracle } from './oracle.ts';
import { Watch } from './watch.ts';

export interface FaultContract {
  /** The platform on which the faults strike; it must have the capabilities that they need. */
  readonly platform: Platform;
  /**
   * Formed once for all faults. By default two servers that no engine has formed. Faults that change roles need a cluster
   * whose roles move; any other fault may be tested there too.
   */
  readonly cluster?: RoleCluster;
  /** Every fault with an oracle. */
  readonly faults: readonly FaultCase[];
}

export interface FaultCase {
  readonly fault: Fault;
  readonly oracle: Oracle;
  /** The role of the struck node; required if the contract names a cluster. */
  readonly on?: MovingRole;
  /** For a fault that changes roles: it does the same to a node of any role. False by default. */
  readonly anyRole?: boolean;
  /**
   * Another platform tests the whole contract. Here only what a platform may change is tested: that the oracle sees the
   * fault, and that its undo heals, also twice. False by default.
   */
  readonly heldElsewhere?: boolean;
}

/** Whether a fault is over as soon as it has struck, so that its effect remains. */
const isMomentary = ({ strikes, effect }: Fault) => strikes !== undefined && effect === undefined;

const NEXT_ATTEMPT_MS = 150;
/** Time in which an act that started before its undo was named would become visible. */
const UNDO_HEAD_START_MS = 150;
const SEEN_WITHIN_MS = 600;
/** The limit of a strike whose results several tests check. */
const STRIKE_LIMIT_MS = 3 * HEALED_WITHIN_MS;

/**
 * Registers the suite of these faults on one platform: on one cluster, one after the other.
 * @returns the cluster, for further tests.
 */
export function faultContract({ platform, cluster, faults }: FaultContract): FaultBench {
  for (const one of faults) refuseUntriable(one, cluster);
  const bench = FaultBench.of(
    platform,
    faults.map(({ fault }) => fault),
    cluster,
  );
  for (const on of new Set(faults.map((one) => one.on))) {
    isNotSeenWithoutTheAct(
      bench,
      faults.filter((one) => one.on === on),
      on,
    );
  }
  describe.each(faults.map((each) => ({ ...each, name: nameOf(each) })))('$name', (one) => {
    const { fault, on } = one;
    beforeEach(() => bench.aim(on));
    strikesAndIsUndone(
      bench,
      one,
      faults.filter(({ oracle: { unlike } }) => unlike === fault.name),
    );
    if (one.heldElsewhere) return;
    needsItsUndoWritten(bench, fault);
    heals(bench, fault, on);
    if (on !== undefined && fault.movingRoles && !one.anyRole) looksAtTheRole(bench, fault, on);
  });
  return bench;
}

const nameOf = ({ fault: { name }, on }: FaultCase) => (on === undefined ? name : `${name} on a ${on}`);

/** @throws if the fault cannot be tested on what the contract names. */
function refuseUntriable({ fault: { name, movingRoles }, on }: FaultCase, cluster: RoleCluster | undefined): void {
  if (cluster && !cluster.engine.movingRoles)
    throw new Error(`the roles of the engine ${cluster.engine.name} never move`);
  if (movingRoles && !cluster) throw new Error(`${name} changes roles: name a "cluster" of an engine whose roles move`);
  if (!cluster === (on === undefined)) return;
  throw new Error(
    cluster ? `${name}: say "on" which role it strikes` : `${name}: "on" needs a "cluster" whose roles move`,
  );
}

const millisecondsFor = (oracles: readonly Oracle[]) =>
  Math.max(...oracles.map(({ forMs }) => forMs ?? SEEN_WITHIN_MS));

/** Strikes while oracles watch. @returns the recorded events, and what the oracles saw. */
async function strikeUnderWatch(
  bench: FaultBench,
  oracles: readonly Oracle[],
  strike: (onEvent: NonNullable<InjectOptions['onEvent']>, watch: Watch) => Promise<TimedEvent[]>,
) {
  await using watch = await Watch.begin([bench.target, ...bench.others], oracles);
  let looking: Promise<void> | undefined;
  const events = await strike(({ type }) => {
    if (type === 'fault-in-effect') looking ??= watch.look();
  }, watch);
  // The next attempt of a client sees a momentary fault.
  await sleep(NEXT_ATTEMPT_MS);
  await looking;
  await watch.lookBack();
  // Read this now: later answers to waiting clients no longer matter.
  const seen = new Map(oracles.map((oracle) => [oracle, watch.seen(oracle)]));
  return { events, seen, met: watch.met };
}

/** All tests share one strike. @param alike cases whose oracles must see nothing. */
function strikesAndIsUndone(bench: FaultBench, { fault, oracle, on }: FaultCase, alike: readonly FaultCase[]): void {
  describe('under load', () => {
    let struck: Awaited<ReturnType<typeof strikeUnderWatch>>;
    let byOthers: typeof struck;
    let target: string;
    let seenBefore: string | undefined;
    let evidence: unknown;
    let healthy: Promise<void>;
    let undoneAgain: Promise<void>;
    beforeAll(async () => {
      await bench.aim(on);
      target = bench.target.name;
      const acts = strikesOf(fault, [target])?.slice(0, 1);
      const lookedAt = (watch: Watch) =>
        defineFault({
          ...fault,
          async inject(targets, params, context) {
            const defer: FaultContext['defer'] = async (undo) => {
              await sleep(UNDO_HEAD_START_MS);
              await watch.look();
              seenBefore ??= watch.seen(oracle);
              await context.defer(undo);
            };
            evidence = await fault.inject(targets, params, { ...context, defer });
            return evidence;
          },
        });
      const strike = (oracles: readonly Oracle[], struckBy: (watch: Watch) => Fault) =>
        strikeUnderWatch(bench, oracles, (onEvent, watch) =>
          bench.inject(struckBy(watch), { forMs: millisecondsFor(oracles), acts, onEvent }),
        );
      const others = alike.map((other) => other.oracle);
      // Bulk clients fill the network link themselves and would delay the other oracles' clients.
      const apart = oracle.kinds.includes('bulk') && others.length > 0;
      byOthers = apart ? await strike(others, () => fault) : await strike([oracle, ...others], lookedAt);
      struck = apart ? await strike([oracle], lookedAt) : byOthers;
      healthy = bench.expectHealthy();
      await Promise.allSettled([healthy]);
      undoneAgain = bench.undoAgain(fault).then(() => bench.expectHealthy());
      await Promise.allSettled([undoneAgain]);
    }, STRIKE_LIMIT_MS);

    test('names its undo before it takes effect', () => {
      expect(seenBefore).toBeUndefined();
    });

    test('the oracle sees it, and its undo heals', async () => {
      const { events, seen, met } = struck;
      const atEnd = fault.met ? ['fault-met'] : [];
      const refused = events.flatMap((event) => (event.type === 'fault-failed' ? [event.error] : []));
      expect(refused).toEqual([]);
      expect(events.map(({ type }) => type)).toEqual([
        'fault-asked',
        'fault-in-effect',
        ...atEnd,
        'heal-asked',
        'healed',
      ]);
      for (const event of events) {
        if (event.type === 'fault-met') expect(event.counts[target]).toBeGreaterThan(0);
      }
      expect(seen.get(oracle), met).toBeDefined();
      await healthy;
    });

    test.each(alike.map((other) => ({ ...other, name: nameOf(other) })))('is not taken for $name', (other) => {
      expect(byOthers.seen.get(other.oracle), byOthers.met).toBeUndefined();
    });

    test('undoing twice is harmless', () => undoneAgain);

    // A promotion may remain: the node that has the role now was not struck.
    test.skipIf(isMomentary(fault) && on === undefined)('does not prove itself on a healthy node', async () => {
      await undoneAgain;
      await expect(fault.prove([bench.target], defaultsOf(fault), evidence)).rejects.toThrow(EnvironmentError);
    });
  });
}

/** All oracles share one watch, during which nothing is done to the node. */
function isNotSeenWithoutTheAct(bench: FaultBench, faults: readonly FaultCase[], on: MovingRole | undefined): void {
  describe(`where the act is left out${on === undefined ? '' : `, on a ${on}`}`, () => {
    let struck: Awaited<ReturnType<typeof strikeUnderWatch>>;
    beforeAll(async () => {
      await bench.aim(on);
      const oracles = faults.map(({ oracle }) => oracle);
      const forMs = millisecondsFor(oracles);
      struck = await strikeUnderWatch(bench, oracles, async (onEvent) => {
        const acts = faults.map(({ fault }) => bench.inject(idle(bench, fault), { forMs, onEvent }));
        return (await Promise.all(acts)).flat();
      });
    }, STRIKE_LIMIT_MS);

    test.each(faults.map((one) => ({ ...one, name: nameOf(one) })))(
      '$name is not seen, whatever the fault claims',
      ({ oracle }) => {
        expect(struck.seen.get(oracle), struck.met).toBeUndefined();
      },
    );
  });
}

/** A fault that claims to have struck and does nothing. */
function idle(bench: FaultBench, fault: Fault): Fault {
  return defineFault<PlannedAct['params'], undefined>({
    ...fault,
    inject: async () => undefined,
    prove: async () => 'in effect, it says',
    met: async () => ({ counts: { [bench.target.name]: 1 }, of: 'packets' }),
  });
}
