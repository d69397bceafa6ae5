/** What a user names may be a pipe without a writer: pgquake refuses it, and never waits for it. */

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRegular, readRegularSync, readWritten, readWrittenSync } from '../../src/regular-file.ts';

const SRC = resolve(import.meta.dirname, '../../src');
const STORED = join(import.meta.dirname, '../histories/version-1');
/** A reader that waits for a pipe would wait for ever, and hold its whole process. */
const LIMIT_MS = 20_000;

let folder: string;
let pipe: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgquake-pipe-'));
  pipe = join(folder, 'pipe.yaml');
  if (process.platform !== 'win32') execFileSync('mkfifo', [pipe]);
});

afterAll(() => rmSync(folder, { recursive: true }));

/** A run in which one file is a pipe. */
function runWith(name: string): string {
  const run = join(folder, name.replace('.', '-'));
  cpSync(STORED, run, { recursive: true });
  rmSync(join(run, name), { force: true });
  execFileSync('mkfifo', [join(run, name)]);
  return run;
}

/** Each reads `at`; the script prints the error of each. */
const READERS = {
  scenario: 'const { readText } = await import(SRC + "/scenario/find.ts"); await readText(at)',
  'known scenario':
    'const { listKnown } = await import(SRC + "/scenario/known.ts"); if (!(await listKnown([FOLDER], new Map()))) throw new Error("not a regular file")',
  inventory: 'const { readInventory } = await import(SRC + "/scenario/inventory.ts"); readInventory(at)',
  'password file':
    'const { passwordFor } = await import(SRC + "/platforms/attached/password.ts"); passwordFor({}, { passwordFile: at })',
  '.pgpass':
    'const { passwordFor } = await import(SRC + "/platforms/attached/password.ts"); if (passwordFor({}, {}, { PGPASSFILE: at }) === "") throw new Error("not a regular file")',
  'root certificate':
    'const { addressOf } = await import(SRC + "/platforms/attached/address.ts"); await addressOf({ host: "h", sslmode: "verify-ca", sslrootcert: at }, { passwordEnv: "HOME" })',
  placement:
    'const { placementOf } = await import(SRC + "/cli/asked-placement.ts"); await placementOf({}, { placement: at }, 1)',
  config: 'const { loadConfig } = await import(SRC + "/config.ts"); await loadConfig(at)',
  'setup of the workload sql':
    'const { sql } = await import(SRC + "/workloads/sql.ts"); const { problems } = await sql.complete({ operations: [], setup: at }, "/"); throw new Error(problems[0].message)',
  '.env': 'const { readSettings } = await import(SRC + "/platforms/docker/settings-file.ts"); await readSettings(at)',
  'a context of docker':
    'const { dockerEndpoint } = await import(SRC + "/platforms/docker/endpoint.ts"); dockerEndpoint({ DOCKER_CONFIG: at }, "/")',
  ...Object.fromEntries(
    ['run.json', 'plan.json', 'events.ndjson', 'operations.arrow', 'probes.arrow'].map((name) => [
      name,
      'const { readRun } = await import(SRC + "/store.ts"); await readRun(at)',
    ]),
  ),
  'report.json': 'const { readReport } = await import(SRC + "/store.ts"); await readReport(at)',
  'undo.ndjson': 'const { readPendingUndos } = await import(SRC + "/run/undo-journal.ts"); readPendingUndos(at)',
  'cluster.json':
    'const { readClusterFile } = await import(SRC + "/platforms/cluster-file.ts"); await readClusterFile(at, { parse: () => 1 })',
};

/** The path that a reader gets. */
function placeOf(reader: string): string {
  if (/\.(json|ndjson|arrow)$/.test(reader)) return runWith(reader);
  if (reader !== '.env' && reader !== 'a context of docker') return pipe;
  const name = reader === '.env' ? '.env' : 'config.json';
  const at = join(folder, `of-${name}`);
  mkdirSync(at);
  execFileSync('mkfifo', [join(at, name)]);
  return at;
}

describe.skipIf(process.platform === 'win32')('a pipe', () => {
  test('is refused by every reader', () => {
    const attempts = Object.entries(READERS).map(([reader, code]) => {
      const at = JSON.stringify(placeOf(reader));
      return `{ const at = ${at}; let said = 'read'; try { ${code} } catch (error) { said = error.message } console.log(${JSON.stringify(reader)} + ': ' + said); }`;
    });
    const script = `const SRC = ${JSON.stringify(SRC)}; const FOLDER = ${JSON.stringify(folder)};\n${attempts.join('\n')}\nprocess.exit();`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.split(': ', 1)[0]).concat(stderr)).toEqual([...Object.keys(READERS), '']);
    expect(lines.filter((line) => !/not a regular file/.test(line))).toEqual([]);
  }, 30_000);
});

describe('a file', () => {
  const file = (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  test('that is regular is read', async () => {
    const path = file('plain', 'ä\n');
    expect([await readWritten(path), readWrittenSync(path)]).toEqual(['ä\n', 'ä\n']);
  });

  test.each([
    ['a folder', () => folder, 'it is a folder; expected a file'],
    ['missing', () => join(folder, 'none'), 'ENOENT'],
    ['UTF-16', () => file('wide', Buffer.from('\ufeffname: x\n', 'utf16le')), 'line 1 is not valid UTF-8'],
    ['too large for a text', () => file('large', 'x'.repeat(1_000_001)), 'it has 1000001 bytes; the limit is 1000000'],
  ])('that is %s is refused', async (_, make, reason) => {
    const path = make();
    await expect(readWritten(path)).rejects.toThrow(reason);
    expect(() => readWrittenSync(path)).toThrow(reason);
  });

  test('that no string can hold is refused before it is read', async () => {
    const path = file('vast', '');
    truncateSync(path, 2 ** 40);
    await expect(readRegular(path)).rejects.toThrow(/^it has 1099511627776 bytes; the limit is /);
    expect(() => readRegularSync(path)).toThrow(/^it has 1099511627776 bytes; the limit is /);
  });
});
