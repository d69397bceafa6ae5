import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EnvironmentError, InputError } from '../../src/model/errors.ts';
import type { RunInfo } from '../../src/model/history.ts';
import { OperationTable } from '../../src/model/operations.ts';
import type { Plan } from '../../src/model/plan.ts';
import { readOperations } from '../../src/operations-file.ts';
import { Recorder } from '../../src/run/recorder.ts';
import { createRunFolder, pointLatest, readRun, writeFiles, writeRunInputs } from '../../src/store.ts';

let reports: string;
const AT = new Date('2026-11-23T12:34:56.789Z');
const PLAN = {
  scenario: {
    name: 'x',
    file: 'x.yaml',
    source: 'name: x\n',
    cluster: { platform: 'auto', engine: 'auto', nodes: [], replication: 1, partitions: 1 },
    workload: { use: 'chat', params: {} },
    hypothesis: [],
  },
  seed: 1,
  acts: [],
  placement: [],
} as unknown as Plan;
const RUN: RunInfo = {
  id: 'x',
  scenario: 'x',
  summary: 'Nothing.',
  seed: 1,
  startedAt: AT.toISOString(),
  pgquakeVersion: '0.1.0',
  nodeVersion: 'v24.0.0',
  kinds: [{ name: 'read', access: 'read', scope: 'partition', ratePerSecond: 1, deadlineMs: 1_000 }],
  probes: [],
  messages: 0,
  plannedActs: 0,
  again: 'pgquake x',
};

beforeEach(() => {
  reports = mkdtempSync(join(tmpdir(), 'pgquake-store-'));
});

afterEach(() => {
  rmSync(reports, { recursive: true });
});

/** A stored run with one event and two operations. */
async function storedRun(): Promise<string> {
  const folder = createRunFolder(reports, 'x', AT);
  writeRunInputs(folder, PLAN, RUN);
  using recorder = new Recorder(folder, { nowMs: () => 5 }, { load: [{ name: 'read' }], probes: [] }, []);
  recorder.event({ type: 'phase-started', phase: 'form' });
  const batch = new OperationTable(['read']);
  batch.add({ id: 2, kind: 'read', intendedAt: 20, sentAt: 20, settledAt: 21, outcome: 'ok' });
  batch.add({ id: 1, kind: 'read', intendedAt: 10, sentAt: 10, settledAt: 30, outcome: 'fail' });
  recorder.operations(batch);
  return folder;
}

describe('history on disk', () => {
  test('has operations within half a second, even if the run does not end', async () => {
    const folder = createRunFolder(reports, 'x', AT);
    using recorder = new Recorder(folder, { nowMs: () => 5 }, { load: [{ name: 'read' }], probes: [] }, []);
    const batch = new OperationTable(['read']);
    batch.add({ id: 1, kind: 'read', intendedAt: 10, sentAt: 10, settledAt: 30, outcome: 'ok' });
    recorder.operations(batch);
    await vi.waitFor(() => expect(readOperations(join(folder, 'operations.arrow')).count).toBe(1), { timeout: 500 });
  });
});

describe('run folder', () => {
  test('is named by time and scenario, with a number for the same second', async () => {
    const names = [createRunFolder(reports, 'x', AT), createRunFolder(reports, 'x', AT)].map((f) => basename(f));
    expect(names).toEqual(['2026-11-23T12-34-56Z-x', '2026-11-23T12-34-56Z-x-2']);
  });

  test('that cannot be created is an EnvironmentError', () => {
    const file = join(reports, 'file');
    writeFileSync(file, '');
    expect(() => createRunFolder(file, 'x', AT)).toThrow(EnvironmentError);
  });

  test('latest points to the newest', async () => {
    for (const name of ['a', 'b']) pointLatest(createRunFolder(reports, name, AT));
    expect(readlinkSync(join(reports, 'latest'))).toBe('2026-11-23T12-34-56Z-b');
    expect(readdirSync(reports)).toHaveLength(3);
  });
});

describe('a stored run', () => {
  test('is read as recorded, with operations in the order of their intended starts', async () => {
    const { plan, history } = await readRun(await storedRun());
    expect(plan).toEqual(PLAN);
    expect(history.run).toEqual(RUN);
    expect(history.events).toEqual([{ at: 5, type: 'phase-started', phase: 'form' }]);
    expect([...history.operations].map((operation) => operation.id)).toEqual([1, 2]);
  });

  test('that is damaged is refused with file and place', async () => {
    const folder = await storedRun();
    appendFileSync(join(folder, 'events.ndjson'), '{"at":6,"ty\n{}\n');
    await expect(readRun(folder)).rejects.toThrow(/events\.ndjson:2: not a readable run/);
    await expect(readRun(folder)).rejects.toThrow(InputError);
  });

  test('that a crash cut off is read up to there', async () => {
    const folder = await storedRun();
    appendFileSync(join(folder, 'events.ndjson'), '{"at":6,"ty');
    expect((await readRun(folder)).history.events).toHaveLength(1);
  });

  test('without its operations is refused', async () => {
    const folder = await storedRun();
    rmSync(join(folder, 'operations.arrow'));
    await expect(readRun(folder)).rejects.toThrow(/cannot read the run .*: there is no operations\.arrow$/);
  });

  test('that lacks a recorded kind is refused', async () => {
    const folder = await storedRun();
    writeRunInputs(folder, PLAN, { ...RUN, kinds: [] });
    await expect(readRun(folder)).rejects.toThrow(/run\.json: .*: it lacks the kind "read", which was recorded$/);
  });

  test('a folder that is not a run is refused', async () => {
    await expect(readRun(reports)).rejects.toThrow(/cannot read the run \S+: there is no run\.json/);
  });
});

test('a folder in place of a file is told of, the others are written, and nothing is left beside them', () => {
  mkdirSync(join(reports, 'report.json'));
  expect(() => writeFiles(reports, { 'report.json': '{}', 'report.md': '# x' })).toThrow(
    expect.objectContaining({
      code: 'reports-folder',
      message: expect.stringContaining(`cannot write ${join(reports, 'report.json')}`),
    }),
  );
  expect(readdirSync(reports).sort()).toEqual(['report.json', 'report.md']);
});
