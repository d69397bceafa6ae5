/** What every platform promises, as vitest tests: it makes, breaks, heals and reliably removes nodes. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sqlRefusal, untilServes } from '../cluster/health.ts';
import { type Capability, CLUSTER_FILE, type NodeControl, type Nodes, type Platform } from '../cluster/platform.ts';
import { EnvironmentError } from '../model/errors.ts';
import { Session } from '../sql/session.ts';
import { ask, SQL_LIMIT_MS } from './contract-session.ts';
import { type RunFolder, runFolder } from './run-folder.ts';

const NODES = ['node1', 'node2', 'node3'].map((name) => ({ name, role: 'member', part: 'data' as const }));
const READY_LIMIT_MS = 20_000;
const OPTIONS = { applicationName: 'contract', connectTimeoutMs: SQL_LIMIT_MS };
const ABORTS_AFTER_MS = [0, 200, 1_000];

/** The member that a capability adds to a node. */
const PORTS = {
  'backend-kill': 'backends',
  'network-disconnect': 'attachments',
  'network-rules': 'network',
  'resource-limits': 'resources',
  'disk-full': 'disk',
} as const satisfies Partial<Record<Capability, keyof NodeControl>>;

export interface PlatformContract {
  readonly platform: Platform;
}

async function provision(platform: Platform, { path }: RunFolder, signal = new AbortController().signal) {
  const needs = new Set<Capability>();
  for (const capability of platform.capabilities) {
    if ((await platform.lacking?.(capability)) === undefined) needs.add(capability);
  }
  const settings = { wal_level: 'logical' };
  const nodes = await platform.provision({
    nodes: NODES,
    settings,
    sizedData: needs.has('disk-full') ? ['node1'] : [],
    runFolder: path,
    needs,
    signal,
  });
  return { nodes, needs };
}

async function askValue(node: NodeControl, statement: string): Promise<unknown> {
  const [row] = await ask(node, statement);
  return row?.[0];
}

function textIn(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
}

/** Registers the suite of one platform. Its tests make clusters of three servers: give vitest a `testTimeout` of two minutes. */
export function platformContract({ platform }: PlatformContract): void {
  describe(`platform ${platform.name}: contract`, () => {
    describe('a cluster', () => aCluster(platform));
    describe('its end', () => itsEnd(platform));
  });
}

function aCluster(platform: Platform): void {
  let folder: RunFolder;
  let nodes: Nodes;
  let needs: ReadonlySet<Capability>;
  const [worker, other] = [1, 2].map((index) => () => nodes.all[index] as NodeControl) as [
    () => NodeControl,
    () => NodeControl,
  ];

  beforeAll(async () => {
    expect(await platform.unavailable(), 'the platform can be used here').toBeUndefined();
    folder = runFolder();
    ({ nodes, needs } = await provision(platform, folder));
  });

  afterAll(async () => {
    await nodes?.dispose();
    folder?.[Symbol.dispose]();
  });

  test('has its nodes in order, each a separate running server with the requested settings', async () => {
    expect(nodes.all.map(({ name }) => name)).toEqual(NODES.map(({ name }) => name));
    for (const node of nodes.all) {
      expect(await node.state()).toBe('running');
      expect(await node.describeState()).toMatch(/\d/);
      expect(await askValue(node, 'SHOW wal_level')).toBe('logical');
    }
    const ports = nodes.all.map((node) => `${node.address().host}:${node.address().port}`);
    expect(new Set(ports).size).toBe(3);
  });

  test('refuses a wrong password, and writes the password nowhere in the run folder', async () => {
    const address = worker().address();
    for (const password of ['', 'postgres', `${address.password}x`]) {
      await expect(Session.connect({ ...address, password }, OPTIONS)).rejects.toThrow(/password/);
    }
    expect(address.password.length).toBeGreaterThanOrEqual(16);
    expect(textIn(folder.path)).not.toContain(address.password);
  });

  test(`names itself in ${CLUSTER_FILE}, for a later process to remove`, async () => {
    const named = JSON.parse(readFileSync(join(folder.path, CLUSTER_FILE), 'utf8'));
    expect(named).toMatchObject({ platform: platform.name, owner: { pid: process.pid } });
    expect(await platform.reclaim(folder.path)).toMatchObject({
      inUseBy: expect.stringContaining(String(process.pid)),
      removed: [],
    });
    expect(await sqlRefusal(worker())).toBeUndefined();
  });

  test('has a port for every capability that can be used, and for no other', () => {
    for (const [capability, port] of Object.entries(PORTS) as [Capability, keyof NodeControl][]) {
      const wanted = needs.has(capability);
      if (wanted || !platform.capabilities.has(capability)) {
        expect(worker()[port] !== undefined, `${capability}: NodeControl.${port}`).toBe(wanted);
      }
    }
  });

  test.for([
    { act: 'stop', undo: 'start', state: 'stopped', refusal: /^ECONNREFUSED$/ },
    { act: 'kill', undo: 'start', state: 'stopped', refusal: /^ECONNREFUSED$/ },
    { act: 'pause', undo: 'resume', state: 'paused', refusal: /^no answer within/ },
  ] as const)(
    '$act takes effect on one node alone, $undo undoes it, both are harmless twice',
    async ({ act, undo, state, refusal }) => {
      const kept = `kept by ${act}`;
      await ask(worker(), `CREATE TABLE "${kept}" ()`);
      for (let twice = 0; twice < 2; twice++) {
        await worker()[act]();
        expect(await worker().state()).toBe(state);
        expect(await sqlRefusal(worker())).toMatch(refusal);
      }
      expect(await sqlRefusal(other())).toBeUndefined();
      for (let twice = 0; twice < 2; twice++) {
        await worker()[undo]();
        expect(await worker().state()).toBe('running');
        await untilServes(worker(), READY_LIMIT_MS);
      }
      expect(await askValue(worker(), `SELECT to_regclass('"${kept}"') IS NOT NULL`)).toBe(true);
    },
  );

  test.each(['stop', 'kill'] as const)('%s works on a frozen node', async (act) => {
    await worker().pause();
    await worker()[act]();
    expect(await worker().state()).toBe('stopped');
    await worker().start();
    await untilServes(worker(), READY_LIMIT_MS);
  });

  test('a stopped node cannot be frozen, and resuming it is harmless', async () => {
    await worker().stop();
    await expect(worker().pause()).rejects.toBeInstanceOf(EnvironmentError);
    await worker().resume();
    expect(await worker().state()).toBe('stopped');
    await worker().start();
    await untilServes(worker(), READY_LIMIT_MS);
  });

  test('every node is found where it is after restarts, whatever their order', async () => {
    const pair = [worker(), other()];
    await Promise.all(pair.map((node, index) => ask(node, `CREATE TABLE is_worker${index + 1} ()`)));
    await Promise.all(pair.map((node) => node.stop()));
    for (const node of pair.toReversed()) {
      await node.start();
      await untilServes(node, READY_LIMIT_MS);
    }
    for (const [index, node] of pair.entries()) {
      expect(await askValue(node, `SELECT to_regclass('is_worker${index + 1}') IS NOT NULL`)).toBe(true);
    }
  });
}

function itsEnd(platform: Platform): void {
  test('leaves no server and no cluster file, whatever state the nodes are in, also beside another cluster', async () => {
    using folder = runFolder();
    using folderOfOther = runFolder();
    const [{ nodes }, { nodes: standing }] = await Promise.all([
      provision(platform, folder),
      provision(platform, folderOfOther),
    ]);
    try {
      const [coordinator, worker1, worker2] = nodes.all as [NodeControl, NodeControl, NodeControl];
      const addresses = nodes.all.map((node) => node.address());
      await Promise.all([coordinator.pause(), worker1.kill(), worker2.stop()]);
      await nodes.dispose();
      expect(existsSync(join(folder.path, CLUSTER_FILE))).toBe(false);
      for (const address of addresses) await expect(Session.connect(address, OPTIONS)).rejects.toThrow();
      await expect(worker1.start()).rejects.toBeInstanceOf(EnvironmentError);
      await nodes.dispose();
      expect(await Promise.all(standing.all.map((node) => sqlRefusal(node)))).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    } finally {
      await Promise.all([nodes.dispose(), standing.dispose()]);
    }
    expect(await platform.reclaim(folder.path)).toEqual({ removed: [] });
  });

  test.each(ABORTS_AFTER_MS)('leaves nothing when making it is aborted after %i ms', async (afterMs) => {
    using folder = runFolder();
    const controller = new AbortController();
    const reason = new Error('enough');
    const ended = provision(platform, folder, controller.signal).then(
      async ({ nodes }) => {
        await nodes.dispose();
        return 'it was ready before';
      },
      (error: unknown) => error,
    );
    setTimeout(() => controller.abort(reason), afterMs);
    expect([reason, 'it was ready before']).toContain(await ended);
    expect(existsSync(join(folder.path, CLUSTER_FILE))).toBe(false);
  });

  test('says why a server does not start, and leaves nothing', async () => {
    using folder = runFolder();
    const provisioning = platform.provision({
      nodes: NODES,
      settings: { no_such_setting: 'on' },
      runFolder: folder.path,
      signal: new AbortController().signal,
    });
    const error = await provisioning.then(
      () => 'it started',
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(EnvironmentError);
    expect((error as Error).message).toContain('no_such_setting');
    expect(existsSync(join(folder.path, CLUSTER_FILE))).toBe(false);
  });
}
