/** A damaged, cut-off or foreign run folder is refused or unknown: it never passes. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../src/model/errors.ts';
import type { Operation } from '../../src/model/history.ts';
import { OperationTable } from '../../src/model/operations.ts';
import { pgquake } from '../../src/pgquake.ts';
import { readReport, readRun } from '../../src/store.ts';
import { buildHistory } from '../support/history-builder.ts';
import { copyOf, storeHistory } from '../support/stored-run.ts';

const quake = pgquake();

let reports: string;
let whole: string;

beforeAll(async () => {
  reports = mkdtempSync(join(tmpdir(), 'pgquake-stored-'));
  whole = await storeHistory(reports, buildHistory(), ['no-lost-writes', 'replicas-agree']);
  await quake.judge(whole);
});

afterAll(() => {
  rmSync(reports, { recursive: true });
});

const DAMAGED = /report\.json: not a readable run of pgquake: /;

/** The outcome of a copy with one file changed. */
async function judgementOf(file: string, damage: (path: string) => void): Promise<string> {
  const folder = copyOf(whole, mkdtempSync(join(reports, 'damaged-')));
  damage(join(folder, file));
  try {
    const stored = await readRun(folder);
    return (await quake.judge(stored, { by: stored.plan.scenario })).judgement;
  } catch (error) {
    // The user must act, since this is not a bug of pgquake; the message says which file.
    expect(error).toBeInstanceOf(InputError);
    const says = existsSync(join(folder, file))
      ? /^\S+: not a readable run of pgquake: ./
      : /^cannot read the run \S+: there is no ./;
    expect((error as InputError).message).toMatch(says);
    expect((error as InputError).message).toContain(file);
    return 'refused';
  }
}

const FILES = ['run.json', 'plan.json', 'events.ndjson', 'operations.arrow', 'probes.arrow'];

test('the undamaged run passes', async () => {
  const stored = await readRun(whole);
  expect((await quake.judge(stored, { by: stored.plan.scenario })).judgement).toBe('pass');
});

describe.each(FILES)('%s', (file) => {
  test.each([
    ['is missing', (path: string) => rmSync(path)],
    ['is empty', (path: string) => truncateSync(path, 0)],
    ['is cut in half', (path: string) => truncateSync(path, Math.floor(readFileSync(path).length / 2))],
    ['is a page of something else', (path: string) => writeFileSync(path, '<!DOCTYPE html>\n<p>404</p>\n')],
    ['is JSON of something else', (path: string) => writeFileSync(path, '{"hello":"world"}\n')],
    ['is null', (path: string) => writeFileSync(path, 'null\n')],
    ['is a list', (path: string) => writeFileSync(path, '[]\n')],
    [
      'is binary',
      (path: string) =>
        writeFileSync(
          path,
          Uint8Array.from({ length: 4_096 }, (_, i) => (i * 7) % 256),
        ),
    ],
  ])('that %s never passes', async (_, damage) => {
    expect(await judgementOf(file, damage)).not.toBe('pass');
  });

  test('with a byte changed in its middle never crashes', async () => {
    for (const at of [0.1, 0.35, 0.6, 0.85]) {
      const outcome = await judgementOf(file, (path) => {
        const bytes = readFileSync(path);
        const index = Math.floor(bytes.length * at);
        bytes[index] = (bytes[index] as number) ^ 0x55;
        writeFileSync(path, bytes);
      });
      expect(['pass', 'fail', 'unknown', 'refused']).toContain(outcome);
    }
  });
});

test.each(['events.ndjson', 'operations.arrow', 'probes.arrow'])(
  'a bit that changed in %s is refused, or changes nothing that is read',
  async (file) => {
    const { history } = await readRun(whole);
    const folder = copyOf(whole, mkdtempSync(join(reports, 'flipped-')));
    const bytes = readFileSync(join(folder, file));
    let refused = 0;
    for (let i = 0; i < 50; i++) {
      const flipped = Buffer.from(bytes);
      const at = Math.floor((bytes.length * i) / 50) + (i % 7);
      flipped[at] = (flipped[at] as number) ^ (1 << (i % 8));
      writeFileSync(join(folder, file), flipped);
      try {
        const { events, operations, probes } = (await readRun(folder)).history;
        expect([events, [...operations], [...probes]]).toEqual([
          history.events,
          [...history.operations],
          [...history.probes],
        ]);
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(45);
  },
);

test('a digit that changed in an event is refused with its line', async () => {
  const folder = copyOf(whole, mkdtempSync(join(reports, 'digit-')));
  const path = join(folder, 'events.ndjson');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"at":500', '"at":501'));
  await expect(readRun(folder)).rejects.toThrow(
    /events\.ndjson:2: not a readable run of pgquake: it is damaged: its checksum is wrong$/,
  );
});

test('an operation due long after the last event is refused', async () => {
  const { operations, ...rest } = buildHistory();
  const [first, ...others] = [...operations];
  const late = OperationTable.inOrder([
    ...others,
    { ...first, intendedAt: 1e15, sentAt: 1e15, settledAt: 1e15 } as Operation,
  ]);
  const folder = await storeHistory(mkdtempSync(join(reports, 'late-')), { ...rest, operations: late }, []);
  await expect(readRun(folder)).rejects.toThrow(
    /operations\.arrow: not a readable run of pgquake: its row with the id 1 is/,
  );
});

describe('a run folder', () => {
  test('cut at every tenth line of its events never passes', async () => {
    const lines = readFileSync(join(whole, 'events.ndjson'), 'utf8').split('\n').slice(0, -1);
    const endOfReads = lines.findIndex((line) => line.includes('"phase-ended"') && line.includes('"final-reads"'));
    expect(endOfReads).toBeGreaterThan(10);
    for (let count = 0; count <= endOfReads; count += 5) {
      const text = lines.slice(0, count).map((line) => `${line}\n`);
      expect(await judgementOf('events.ndjson', (path) => writeFileSync(path, text.join('')))).not.toBe('pass');
    }
  });

  test('with the plan of another run is refused', async () => {
    const outcome = await judgementOf('plan.json', (path) => {
      writeFileSync(path, readFileSync(path, 'utf8').replace(/"seed": \d+/, '"seed": 4242'));
    });
    expect(outcome).toBe('refused');
  });

  test('an unknown or incomplete event is refused with its line', async () => {
    for (const odd of [
      '{"at":1,"type":"party"}',
      '{"type":"healed","act":0,"proof":"x"}',
      '{"at":1,"type":"healed"}',
    ]) {
      const folder = copyOf(whole, mkdtempSync(join(reports, 'odd-')));
      const path = join(folder, 'events.ndjson');
      writeFileSync(path, `${odd}\n${readFileSync(path, 'utf8')}`);
      await expect(readRun(folder)).rejects.toThrow(/events\.ndjson:1: not a readable run of pgquake: /);
    }
  });
});

describe('a stored report', () => {
  test('is rendered the same again, without touching latest', async () => {
    const folder = copyOf(whole, mkdtempSync(join(reports, 'again-')));
    for (const name of ['report.html', 'report.md', 'junit.xml']) rmSync(join(folder, name));
    const names = await quake.report(folder);
    for (const name of names)
      expect(readFileSync(join(folder, name), 'utf8')).toBe(readFileSync(join(whole, name), 'utf8'));
    expect(names).toEqual(
      expect.arrayContaining(['report.html', 'report.md', 'report.json', 'junit.xml', 'badge.svg']),
    );
    expect(readdirSync(reports)).not.toContain('latest');
  });

  test.each([
    ['missing', (path: string) => rmSync(path), /^cannot read the run \S+: there is no report\.json$/],
    ['cut', (path: string) => truncateSync(path, 2_000), DAMAGED],
    [
      'of another version',
      (path: string) => writeFileSync(path, readFileSync(path, 'utf8').replace('"version": 2', '"version": 99')),
      DAMAGED,
    ],
    ['something else', (path: string) => writeFileSync(path, '{"version":2}'), DAMAGED],
  ])('that is %s is refused with its path', async (_, damage, says) => {
    const folder = copyOf(whole, mkdtempSync(join(reports, 'bad-')));
    damage(join(folder, 'report.json'));
    for (const read of [readReport, quake.report]) {
      await expect(read(folder)).rejects.toThrow(says);
      await expect(read(folder)).rejects.toBeInstanceOf(InputError);
    }
  });

  test('is judged by another hypothesis', async () => {
    const stored = await readRun(whole);
    const [item] = stored.plan.scenario.hypothesis;
    const stricter = { hypothesis: [{ ...(item as NonNullable<typeof item>), check: 'no-such-check' }] };
    expect((await quake.judge(stored, { by: stricter })).judgement).toBe('unknown');
    expect(readFileSync(join(whole, 'report.json'), 'utf8')).toContain('"judgement": "pass"');
  });
});
