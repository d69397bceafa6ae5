/** What every workload promises: it is found by other threads, repeats itself from its seed, and accounts for its rows. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, FormedCluster, FormOptions } from '../cluster/engine.ts';
import type { NodeControl, Nodes, Platform } from '../cluster/platform.ts';
import { connectBy, mainRoute } from '../cluster/route.ts';
import type { PresentKeys } from '../model/event.ts';
import { KeySet } from '../model/key-ranges.ts';
import { Session } from '../sql/session.ts';
import { ledgerOf, placeOf, type Workload, type WorkloadRun, workloadAt } from '../workloads/workload.ts';
import { type RunFolder, runFolder } from './run-folder.ts';

const SQL_LIMIT_MS = 10_000;
const OPTIONS = { applicationName: 'contract', connectTimeoutMs: SQL_LIMIT_MS };
const SEED = 7;
const WRITER = 3;
const OPERATIONS = 200;
/** Of each kind, on real servers. */
const SENT = 5;
const never = new AbortController().signal;

export interface WorkloadContract<P = unknown> {
  readonly workload: Workload<P>;
  /** As a scenario writes them beside `use`; none by default. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** What its tables are made on. */
  readonly engine: Engine;
  readonly platform: Platform;
  readonly topology: FormOptions['topology'];
}

/** Registers the suite of one workload, on one cluster. */
export function workloadContract<P>({ workload, params: written = {}, ...on }: WorkloadContract<P>): void {
  describe(`workload ${workload.name}: contract`, () => {
    const params = workload.params.parse(written);
    itself(workload, params);
    describe('on a cluster', () => onACluster(workload, params, on));
  });
}

function itself<P>(workload: Workload<P>, params: P): void {
  test('another thread finds it where it says that it is', async () => {
    expect(await workloadAt(await placeOf(workload))).toBe(workload);
  });

  test('its kinds have names of their own, rates and deadlines', () => {
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
      const run = workload.start(params, SEED, WRITER);
      return workload.kinds(params).flatMap(({ name }) =>
        Array.from({ length: OPERATIONS }, () => {
          const { room, key, settled } = run.next(name);
          settled(outcome);
          return `${name} ${room} ${key}`;
        }),
      );
    };
    expect(drawn('ok')).toEqual(drawn('ok'));
    expect(drawn('fail')).toEqual(drawn('ok'));
  });

  test('no two writes have one key, and each key has the writer of the run', () => {
    const run = workload.start(params, SEED, WRITER);
    const keys = workload
      .kinds(params)
      .flatMap(({ name }) => Array.from({ length: OPERATIONS }, () => run.next(name).key))
      .filter((key) => key !== undefined);
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) expect(key).toMatch(new RegExp(`^${WRITER}:\\d+$`));
  });
}

function onACluster<P>(
  workload: Workload<P>,
  params: P,
  { engine, platform, topology }: Omit<WorkloadContract, 'workload' | 'params'>,
): void {
  const ledger = ledgerOf(workload, params);
  let folder: RunFolder;
  let nodes: Nodes;
  let formed: FormedCluster;
  let session: Session;

  beforeAll(async () => {
    folder = runFolder();
    const { settings, needs = [] } = engine;
    nodes = await platform.provision({
      topology,
      settings,
      needs: new Set(needs),
      runFolder: folder.path,
      signal: never,
    });
    const dataset = workload.dataset?.(params) ?? { rooms: [], tables: [] };
    formed = await engine.form({ nodes, topology, dataset, signal: never });
    session = await connectBy(mainRoute(formed.routes), OPTIONS);
  });

  afterAll(async () => {
    await session?.close();
    await nodes?.dispose();
    folder?.[Symbol.dispose]();
  });

  const send = async (run: WorkloadRun, kind: string) => {
    const request = run.next(kind);
    const observed = await request.run(session, SQL_LIMIT_MS);
    request.settled('ok');
    return { key: request.key, observed };
  };
  const presentIn = async (relation: string, at: Session = session) => {
    if (!ledger) throw new Error('it has no ledger');
    return ledger.readAll(at, relation, params, SQL_LIMIT_MS);
  };

  test('every kind of operation is answered, and finds nothing wrong', async () => {
    const run = workload.start(params, SEED, WRITER);
    for (const { name } of workload.kinds(params)) {
      for (let i = 0; i < SENT; i++) expect((await send(run, name)).observed.anomaly, name).toBeUndefined();
    }
  });

  describe.skipIf(!ledger)('its ledger', () => {
    test('has every initial row and every acknowledged write, each once and intact', async () => {
      const table = ledger?.table as string;
      const before = await presentIn(table);
      expect(countOf(before.present, 0)).toBe(ledger?.initialRows(params));
      const run = workload.start(params, SEED, WRITER + 1);
      const keys: string[] = [];
      for (const { name, access } of workload.kinds(params)) {
        if (access !== 'write') continue;
        for (let i = 0; i < SENT; i++) keys.push((await send(run, name)).key as string);
      }
      const { present, duplicated, corrupted, rows } = await presentIn(table);
      expect({ duplicated, corrupted, rows }).toEqual({
        duplicated: [],
        corrupted: [],
        rows: before.rows + keys.length,
      });
      expect(countOf(present, WRITER + 1)).toBe(keys.length);
    });

    test('gives every run on the same tables a writer of its own', async () => {
      const next = await ledger?.nextWriter?.(session, SQL_LIMIT_MS);
      if (next !== undefined) expect(next).toBeGreaterThan(WRITER + 1);
    });

    test('misses a row that is gone, and its fingerprint is then another one', async () => {
      const [source] = formed.placementSources(ledger?.table as string);
      // A table that is none of the data set has no known placement.
      if (source === undefined) return;
      const node = nodes.all.find(({ name }) => name === source.node) as NodeControl;
      await using there = await Session.connect(node.address(), OPTIONS);
      const fingerprint = async () => {
        const text = ledger?.fingerprintSql?.(source.relation);
        return text === undefined ? undefined : await there.query(text, [], { timeoutMs: SQL_LIMIT_MS });
      };
      const before = { ...(await presentIn(source.relation, there)), fingerprint: await fingerprint() };
      expect(await fingerprint()).toEqual(before.fingerprint);
      await there.execute(
        `DELETE FROM ${source.relation} WHERE ctid = (SELECT min(ctid) FROM ${source.relation})`,
        SQL_LIMIT_MS,
      );
      const after = { ...(await presentIn(source.relation, there)), fingerprint: await fingerprint() };
      expect(after.rows).toBe(before.rows - 1);
      expect(after.present).not.toEqual(before.present);
      if (before.fingerprint !== undefined) expect(after.fingerprint).not.toEqual(before.fingerprint);
    });
  });
}

function countOf(present: PresentKeys, writer: number): number {
  return KeySet.fromRanges({ [writer]: present[writer] ?? '' }).size;
}
