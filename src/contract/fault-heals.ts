/** If anything goes wrong while a fault strikes, the fault does nothing or heals. */

import { expect, test } from 'vitest';
import { sqlRefusal } from '../cluster/health.ts';
import { defineFault, type Fault } from '../faults/fault.ts';
import { EnvironmentError, InterruptedError } from '../model/errors.ts';
import type { TimedEvent } from '../model/event.ts';
import type { PlannedAct } from '../model/plan.ts';
import type { MovingRole } from '../model/roles.ts';
import { Clients } from './clients.ts';
import { defaultsOf, type FaultBench } from './fault-bench.ts';
import { untilServed } from './watch.ts';

/** Aborts in the middle of a fault. */
const ABORTED_AFTER_MS = 50;
export const HEALED_WITHIN_MS = 30_000;

/** The strikes of a fault that ends by itself; `undefined` for others. */
export function strikesOf(fault: Fault, targets: readonly string[]): PlannedAct[] | undefined {
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

export function needsItsUndoWritten(bench: FaultBench, fault: Fault): void {
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

export function heals(bench: FaultBench, fault: Fault, on: MovingRole | undefined): void {
  test('a failure half-way still heals, and is reported', async () => {
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
    const onEvent = ({ type }: TimedEvent) => {
      if (type === 'fault-in-effect') setTimeout(() => controller.abort(reason), ABORTED_AFTER_MS);
    };
    const began = performance.now();
    const events = await bench.inject(fault, { signal: controller.signal, forMs: 2 * HEALED_WITHIN_MS, onEvent });
    expect(performance.now() - began).toBeLessThan(HEALED_WITHIN_MS);
    expect(events.at(-1)?.type).toBe('healed');
    await bench.expectHealthy();
  });

  test.skipIf(!fault.strikes)('strikes one after the other, each once the one before is healed', async () => {
    const { target, peer } = bench;
    // Only one node may have this role.
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

export function looksAtTheRole(bench: FaultBench, fault: Fault, on: MovingRole): void {
  test('does nothing to a node of another role, which may have changed since the plan', async () => {
    await bench.aim(on === 'primary' ? 'standby' : 'primary');
    let deferred = 0;
    const { injected } = bench.strike(fault, async () => void deferred++);
    await expect(injected).rejects.toThrow(EnvironmentError);
    expect(deferred).toBe(0);
    await bench.expectHealthy();
    await bench.expectRolesAsBefore();
  });
}
