/** What every workload promises: other threads find it, its seed repeats it, and it accounts for its rows. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, FormedCluster, FormOptions } from '../cluster/engine.ts';
import type { NodeControl, Nodes, Platform } from '../cluster/platform.ts';
import { connectBy, mainRoute } from '../cluster/route.ts';
import type { PresentKeys } from '../model/event.ts';
import { KeySet } from '../model/key-ranges.ts';
import { datasetOf } from '../run/probes.ts';
import { provision } from '../run/provision.ts';
import { Session } from '../sql/session.ts';
import { ledgerOf, placeOf, type Workload, type WorkloadRun, workloadAt } from '../workloads/workload.ts';
import { type RunFolder, runFolder } from './run-folder.ts';

const SQL_LIMIT_MS = 10_000;
const OPTIONS = { applicationName: 'contract', connectTimeoutMs: SQL_LIMIT_MS };
const SEED = 7;
/** The writer of a run on tables that earlier runs have used. */
const LATER_WRITER = 3;
const OPERATIONS = 200;
/** Operations of each kind, on real servers. */
const SENT = 5;
const never = new AbortController().signal;

export interface WorkloadContract<P = unknown> {
  readonly workload: Workload<P>;
  /** The parameters, as a scenario writes them beside `use`; none by default. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** The folder to which its paths are relative; the current folder by default. */
  readonly folder?: string;
  /** The engine that forms the cluster. */
  readonly engine: Engine;
  readonly platform: Platform;
  readonly topology: FormOptions['topology'];
}

/** Registers the suite of one workload, on one cluster. */
export function workloadContract<P>(contract: WorkloadContract<P>): void {
  const { workload, params: written = {} } = contract;
  describe(`workload ${workload.name}: contract`, () => {
    const params = workload.params.parse(written);
    itself(workload, params);
    describe('on a cluster', () => onACluster(contract, params));
  });
}

/** The writer of the run: the first one if the workload knows no others. */
function writerOf<P>(workload: Workload<P>, params: P): number {
  return ledgerOf(workload, params)?.nextWriter === undefined ? 1 : LATER_WRITER;
}

function itself<P>(workload: Workload<P>, params: P): void {
  test('another thread finds it where it says that it is', async () => {
    expect(await workloadAt(await placeOf(workload))).toBe(workload);
  });

  test('its kinds have distinct names, rates and deadlines', () => {
    const kinds = workload.kinds(params);
    expect(kinds.length).toBeGreaterThan(0);
    expect(new Set(kinds.map(({ name }) => name)).size).toBe(kinds.length);
    for (const { ratePerSecond, deadlineMs } of kinds) {
      expect(ratePerSecond).toBeGreaterThanOrEqual(0);
      expect(deadlineMs).toBeGreaterThan(0);
    }
  });

  test('the same seed gives the same operations, also where some have failed', () => {
    const drawn = (outcome: 'ok' | 'fail') => {
      const run = workload.start(params, SEED, writerOf(workload, params));
      return workload.kinds(params).flatMap(({ name }) =>
        Array.from({ length: OPERATIONS }, () => {
          const { partitionKey, key, settled } = run.next(name);
          settled(outcome);
          return `${name} ${partitionKey} ${key}`;
        }),
      );
    };
    expect(drawn('ok')).toEqual(drawn('ok'));
    expect(drawn('fail')).toEqual(drawn('ok'));
  });

  test('no two writes have one key, and each key has the writer of the run', () => {
    const writer = writerOf(workload, params);
    const run = workload.start(params, SEED, writer);
    const keys = workload
      .kinds(params)
      .flatMap(({ name }) => Array.from({ length: OPERATIONS }, () => run.next(name).key))
      .filter((key) => key !== undefined);
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) expect(key).toMatch(new RegExp(`^${writer}:\\d+$`));
  });
}

function onACluster<P>(
  { workload, engine, platform, topology, folder: from = '.' }: WorkloadContract<P>,
  params: P,
): void {
  const ledger = ledgerOf(workload, params);
  const writer = writerOf(workload, params);
  const keys: string[] = [];
  let run: WorkloadRun;
  let folder: RunFolder;
  let nodes: Nodes;
  let formed: FormedCluster;
  let session: Session;

  beforeAll(async () => {
    folder = runFolder();
    nodes = await provision(platform, engine, { cluster: topology, folder: folder.path, signal: never });
    const dataset = datasetOf(workload, params);
    formed = await engine.form({ nodes, topology, dataset, signal: never });
    session = await connectBy(mainRoute(formed.routes), OPTIONS);
    const { params: complete, problems = [] } = (await workload.complete?.(params, from)) ?? { params };
    expect([...problems, ...((await workload.setUp?.(session, complete)) ?? [])]).toEqual([]);
    run = workload.start(complete, SEED, writer);
  });

  afterAll(async () => {
    await session?.close();
    await nodes?.dispose();
    folder?.[Symbol.dispose]();
  });

  const send = async (kind: string) => {
    const request = run.next(kind);
    const observed = await request.run(session, SQL_LIMIT_MS);
    request.settled('ok');
    if (request.key !== undefined) keys.push(request.key);
    return observed;
  };
  const presentIn = async (relation: string, at: Session = session) => {
    if (!ledger) throw new Error('it has no ledger');
    return ledger.readAll(at, relation, params, SQL_LIMIT_MS);
  };

  test('every kind of operation is answered, and finds nothing wrong', async () => {
    for (const { name } of workload.kinds(params)) {
      for (let i = 0; i < SENT; i++) expect((await send(name)).anomaly, name).toBeUndefined();
    }
  });

  describe.skipIf(!ledger)('its ledger', () => {
    test('has every initial row and every acknowledged write, each once and intact', async () => {
      const table = ledger?.table as string;
      const before = await presentIn(table);
      expect(countOf(before.present, 0)).toBe(ledger?.initialRows(params));
      const sentBefore = keys.length;
      for (const { name, access } of workload.kinds(params)) {
        if (access !== 'write') continue;
        for (let i = 0; i < SENT; i++) await send(name);
      }
      const { present, duplicated, corrupted, rows } = await presentIn(table);
      const added = keys.length - sentBefore;
      expect({ duplicated, corrupted, rows }).toEqual({ duplicated: [], corrupted: [], rows: before.rows + added });
      expect(countOf(present, writer)).toBe(keys.length);
    });

    test('gives every run on the same tables its own writer', async () => {
      const next = await ledger?.nextWriter?.(session, SQL_LIMIT_MS);
      if (next !== undefined) expect(next).toBeGreaterThan(keys.length === 0 ? 0 : writer);
    });

    // Without a fingerprint, the table is not in the data set and the engine knows no placement of it.
    test.skipIf(!ledger?.fingerprintSql || ledger.madeByClients)(
      'misses a row that is gone, and its fingerprint is then another one',
      async () => {
        const [source] = formed.placementSources(ledger?.table as string);
        if (source === undefined) throw new Error(`the engine knows no placement of ${ledger?.table}`);
        const node = nodes.all.find(({ name }) => name === source.node) as NodeControl;
        await using there = await Session.connect(node.address(), OPTIONS);
        const fingerprint = ledger?.fingerprintSql?.(source.relation) as string;
        const look = async () => ({
          ...(await presentIn(source.relation, there)),
          fingerprint: await there.query(fingerprint, [], { timeoutMs: SQL_LIMIT_MS }),
        });
        const before = await look();
        expect(await look()).toEqual(before);
        await there.execute(
          `DELETE FROM ${source.relation} WHERE ctid = (SELECT min(ctid) FROM ${source.relation})`,
          SQL_LIMIT_MS,
        );
        const after = await look();
        expect(after.rows).toBe(before.rows - 1);
        expect(after.present).not.toEqual(before.present);
        expect(after.fingerprint).not.toEqual(before.fingerprint);
      },
    );
  });
}

function countOf(present: PresentKeys, writer: number): number {
  return KeySet.fromRanges({ [writer]: present[writer] ?? '' }).size;
}
