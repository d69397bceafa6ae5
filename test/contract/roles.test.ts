/** What faults promise in a cluster whose roles move: those that change roles, and those that strike a primary. */

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { faults as shipped } from '../../src/catalog.ts';
import { cannotDo } from '../../src/choose.ts';
import type { NodeControl, Platform } from '../../src/cluster/platform.ts';
import { ask } from '../../src/contract/contract-session.ts';
import type { FaultBench } from '../../src/contract/fault-bench.ts';
import { type FaultCase, faultContract } from '../../src/contract.ts';
import { native } from '../../src/engines/native.ts';
import { streaming } from '../../src/engines/streaming.ts';
import type { Fault } from '../../src/faults/fault.ts';
import { promote } from '../../src/faults/promote.ts';
import { docker } from '../../src/platforms/docker.ts';
import { local } from '../../src/platforms/local.ts';
import { streamingTopology } from '../support/streaming-topology.ts';
import { partOracles } from './part-oracles.ts';
import { roleOracles } from './role-oracles.ts';

// Containers are made from the image that was built for the tests, where there is one.
process.env.PGQUAKE_IMAGE ??= process.env.PGQUAKE_TEST_IMAGE;

const CLUSTER = { engine: streaming, topology: streamingTopology() };
/** Containers are slow: all faults that change roles, and one that strikes a node. */
const ON_CONTAINERS = ['promote', 'switchover', 'replication-pause', 'node-kill'];
const SEEN_AFTER_MS = 500;

const named = (name: string) => shipped.find((fault) => fault.name === name) as Fault;
const cases: readonly FaultCase[] = Object.entries(roleOracles).map(([name, one]) => ({ ...one, fault: named(name) }));

test('every fault that changes roles has an oracle', () => {
  const changing = shipped.filter(({ movingRoles }) => movingRoles).map(({ name }) => name);
  expect([...Object.keys(roleOracles), ...Object.keys(partOracles)]).toEqual(expect.arrayContaining(changing));
});

const untriable = (more: object, message: RegExp) =>
  expect(() =>
    faultContract({ platform: local, faults: [{ fault: promote, oracle: { kinds: [] } }], ...more }),
  ).toThrow(message);

test('a fault is refused where it cannot be tried', () => {
  untriable({}, /promote changes roles: name a "cluster"/);
  untriable({ cluster: { ...CLUSTER, engine: native } }, /the roles of the engine native never move/);
  untriable({ cluster: CLUSTER }, /promote: say "on" which role it strikes/);
  const onPrimary = { fault: named('node-kill'), oracle: { kinds: [] }, on: 'primary' };
  untriable({ faults: [onPrimary] }, /node-kill: "on" needs a "cluster"/);
});

// What strikes any node is held to the whole contract in `faults-local`, and all of them on `local` are here.
await onPlatform(
  local,
  cases.map((one) => ({ ...one, heldElsewhere: !one.fault.movingRoles })),
  beyondTheContract,
);
const heldElsewhere = (await missingOn(local, cases)) === undefined;
await onPlatform(
  docker,
  cases.filter(({ fault }) => ON_CONTAINERS.includes(fault.name)).map((one) => ({ ...one, heldElsewhere })),
);

async function onPlatform(platform: Platform, faults: readonly FaultCase[], beyond?: (bench: FaultBench) => void) {
  const missing = await missingOn(platform, faults);
  describe.skipIf(missing !== undefined)(`on platform ${platform.name}${missing ? `: ${missing}` : ''}`, () => {
    const bench = faultContract({ platform, cluster: CLUSTER, faults });
    beyond?.(bench);
  });
}

async function missingOn(platform: Platform, faults: readonly FaultCase[]): Promise<string | undefined> {
  const needs = [...(streaming.needs ?? []), ...faults.flatMap(({ fault }) => fault.needs)];
  return (await platform.unavailable())?.message ?? (await cannotDo(platform, { needs }));
}

function beyondTheContract(bench: FaultBench): void {
  test('a standby that is ahead of the promoted one gets a new copy', async () => {
    await bench.aim('primary');
    const primary = bench.target;
    await bench.aim('standby');
    const { target } = bench;
    const ahead = bench.others.find((node) => node !== primary) as NodeControl;
    // What is written now reaches only the other standby.
    await ask(target, `ALTER SYSTEM SET primary_conninfo = ''`);
    await ask(target, 'SELECT pg_reload_conf()');
    await sleep(SEEN_AFTER_MS);
    await ask(primary, `INSERT INTO messages VALUES (-1, 'only on the other standby')`);
    await sleep(SEEN_AFTER_MS);
    expect(await ask(ahead, 'SELECT 1 FROM messages WHERE id = -1')).toHaveLength(1);
    const { injected, heal } = bench.strike(promote);
    await injected;
    await heal();
    await bench.expectHealthy();
    for (const node of [target, ahead]) expect(await ask(node, 'SELECT 1 FROM messages WHERE id = -1')).toEqual([]);
    await ask(target, `INSERT INTO messages VALUES (-2, 'on all')`);
    await sleep(SEEN_AFTER_MS);
    expect(await ask(ahead, 'SELECT 1 FROM messages WHERE id = -2')).toHaveLength(1);
  });
}
