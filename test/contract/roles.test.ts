/** What faults on roles promise, on a real streaming cluster: somebody else sees them, their undo heals, twice is harmless. */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { faults as shipped } from '../../src/catalog.ts';
import type { FormedCluster } from '../../src/cluster/engine.ts';
import type { NodeControl, Nodes } from '../../src/cluster/platform.ts';
import { ask } from '../../src/contract/fault-bench.ts';
import { type RunFolder, runFolder } from '../../src/contract/run-folder.ts';
import { streaming } from '../../src/engines/streaming.ts';
import { defineFault, type Fault, type Undo } from '../../src/faults/fault.ts';
import { EnvironmentError } from '../../src/model/errors.ts';
import { nodesInRole } from '../../src/model/roles.ts';
import { local } from '../../src/platforms/local.ts';
import { undoAll } from '../../src/run/healing.ts';
import { newMark } from '../../src/run/injector.ts';
import { NEVER, smallDataset } from '../support/local-cluster.ts';

const MEMBERS = ['pg1', 'pg2', 'pg3'];
const TOPOLOGY = {
  workers: 3,
  replication: 3,
  shards: 1,
  members: MEMBERS,
  streaming: { members: 3, synchronous: 'off', manager: 'none', promoteAfterMs: 200 },
} as const;
const SEEN_AFTER_MS = 500;
const LIMIT_MS = 60_000;

interface Expected {
  readonly strikes: 'primary' | 'standby';
  /** What clients of the nodes see, by name; asked before, in and after the fault. */
  sees(bench: Bench): Promise<string>;
  readonly before: string | RegExp;
  readonly during: string | RegExp;
  readonly after: string | RegExp;
}

/** Who takes a write, by what a client of each node is told. */
async function whoWrites({ nodes }: Bench): Promise<string> {
  const told = await Promise.all(
    nodes.all.map(async (node) => {
      const refused = await ask(node, 'CREATE TEMPORARY TABLE of_a_client (i int); DROP TABLE of_a_client').then(
        () => undefined,
        (error: { code?: string }) => error.code,
      );
      // A standby refuses with 25006.
      return refused === undefined ? [node.name] : [];
    }),
  );
  return told.flat().join(' and ');
}

/** Whether a row that the primary took is read on the standby half a second later. */
async function isFresh({ nodes, standby }: Bench): Promise<string> {
  const [primary] = nodes.all as readonly [NodeControl];
  await ask(primary, `INSERT INTO rooms VALUES ((SELECT max(room_id) + 1 FROM rooms), 'new')`);
  await sleep(SEEN_AFTER_MS);
  const latest = async (node: NodeControl) => String((await ask(node, 'SELECT max(room_id) FROM rooms'))[0]?.[0]);
  return (await latest(primary)) === (await latest(standby)) ? 'fresh' : 'stale';
}

const EXPECTED: Readonly<Record<string, Expected>> = {
  promote: { strikes: 'standby', sees: whoWrites, before: 'pg1', during: 'pg1 and pg2', after: 'pg2' },
  switchover: { strikes: 'primary', sees: whoWrites, before: 'pg1', during: /^pg[23]$/, after: /^pg[23]$/ },
  'replication-pause': { strikes: 'standby', sees: isFresh, before: 'fresh', during: 'stale', after: 'fresh' },
};

const faults = shipped.filter(({ movingRoles }) => movingRoles);

test('every fault on roles has its oracle', () => {
  expect(Object.keys(EXPECTED).sort()).toEqual(faults.map(({ name }) => name).sort());
});

interface Bench {
  readonly nodes: Nodes;
  readonly formed: FormedCluster;
  readonly standby: NodeControl;
}

describe.each(faults)('$name', { timeout: LIMIT_MS }, (fault) => {
  const { strikes, sees, before, during, after } = EXPECTED[fault.name] as Expected;
  let folder: RunFolder;
  let bench: Bench;
  let target: NodeControl;

  // Anew for each: afterwards another node is the primary.
  beforeEach(async () => {
    folder = runFolder();
    const needs = new Set(streaming.needs);
    const common = { topology: TOPOLOGY, settings: streaming.settings, needs, runFolder: folder.path, signal: NEVER };
    const nodes = await local.provision(common);
    try {
      const formed = await streaming.form({ nodes, topology: TOPOLOGY, dataset: smallDataset, signal: NEVER });
      bench = { nodes, formed, standby: nodes.all[1] as NodeControl };
    } catch (error) {
      await nodes.dispose();
      throw error;
    }
    target = nodes.all[strikes === 'primary' ? 0 : 1] as NodeControl;
  }, LIMIT_MS);

  afterEach(async () => {
    await bench?.nodes.dispose();
    folder?.[Symbol.dispose]();
  });

  function strike(struck: Fault, defer: (undo: Undo) => Promise<void> = async () => undefined) {
    const { nodes, formed } = bench;
    const params = struck.params.parse({});
    const mark = newMark();
    const undos: Undo[] = [];
    const injected: Promise<unknown> = struck.inject([target], params, {
      cluster: formed,
      nodes: nodes.all,
      mark,
      signal: NEVER,
      hold: (resource) => resource,
      defer: async (undo) => {
        await defer(undo);
        undos.push(undo);
      },
    });
    const heal = async (times: number) => {
      const pending = undos.map((undo, id) => ({ id, act: 0, fault: fault.name, mark, undo })).reverse();
      const { failures, proofs } = await undoAll(Array.from({ length: times }, () => pending).flat(), {
        nodes: nodes.all,
        faults: new Map([[fault.name, fault]]),
        kept: () => undefined,
        comeBack: (node, undo) =>
          (formed.comeBack as NonNullable<typeof formed.comeBack>)(node, { undo, beforeErased: async () => undefined }),
      });
      expect(failures).toEqual([]);
      expect(proofs).toHaveLength(1);
    };
    return { params, injected, undos, heal };
  }

  /** One primary, and the others stream. */
  async function expectWhole(): Promise<void> {
    const roles = (await bench.formed.roles?.(NEVER)) ?? {};
    expect(nodesInRole(roles, 'primary')).toHaveLength(1);
    expect(nodesInRole(roles, 'standby')).toHaveLength(2);
    expect(Object.values(roles).filter(({ state }) => state === 'streaming')).toHaveLength(2);
  }

  test('is seen by clients, proves itself, and its undo heals, also twice', async () => {
    expect(await sees(bench)).toMatch(before);
    const { params, injected, undos, heal } = strike(fault);
    const evidence = await injected;
    expect(await sees(bench)).toMatch(during);
    expect(await fault.prove([target], params, evidence)).toMatch(`${target.name}: `);
    if (fault.met) expect((await fault.met([target], params, evidence)).counts[target.name]).toBeGreaterThan(0);
    expect(undos).toMatchObject([{ node: target.name }]);
    await heal(2);
    expect(await sees(bench)).toMatch(after);
    await expectWhole();
  });

  test('is not seen where the act is left out, and does not prove itself', async () => {
    const idle = defineFault<unknown, unknown>({ ...fault, inject: async () => [] });
    const { params, injected } = strike(idle);
    await injected;
    expect(await sees(bench)).toMatch(before);
    await expect(async () => fault.prove([target], params, [{ to: target, timeline: 1 }])).rejects.toThrow(
      EnvironmentError,
    );
  });

  test('does nothing where its undo cannot be written down', async () => {
    const { injected } = strike(fault, async () => {
      throw new Error('the disk is full');
    });
    await expect(injected).rejects.toThrow('the disk is full');
    expect(await sees(bench)).toMatch(before);
    await expectWhole();
  });

  test.skipIf(fault.name !== 'promote')('a standby that is ahead of the promoted one gets a new copy', async () => {
    const [primary, , ahead] = bench.nodes.all as readonly [NodeControl, NodeControl, NodeControl];
    // What is written now reaches only the other standby.
    await ask(target, `ALTER SYSTEM SET primary_conninfo = ''`);
    await ask(target, 'SELECT pg_reload_conf()');
    await sleep(SEEN_AFTER_MS);
    await ask(primary, `INSERT INTO rooms VALUES (901, 'only on pg3')`);
    await sleep(SEEN_AFTER_MS);
    const { injected, heal } = strike(fault);
    await injected;
    await heal(1);
    await sleep(SEEN_AFTER_MS);
    await expectWhole();
    for (const node of [target, ahead]) expect(await ask(node, 'SELECT 1 FROM rooms WHERE room_id = 901')).toEqual([]);
    await ask(target, `INSERT INTO rooms VALUES (902, 'on all')`);
    await sleep(SEEN_AFTER_MS);
    expect(await ask(ahead, 'SELECT 1 FROM rooms WHERE room_id = 902')).toHaveLength(1);
  });

  test('strikes nothing on a node of another role, which may have changed since the plan', async () => {
    target = bench.nodes.all[strikes === 'primary' ? 1 : 0] as NodeControl;
    const { injected, undos } = strike(fault);
    await expect(injected).rejects.toThrow(strikes === 'primary' ? /it is no primary/ : /it is no standby/);
    expect(undos).toEqual([]);
    await expectWhole();
  });
});
