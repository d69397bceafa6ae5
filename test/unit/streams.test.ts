/** Terminals that stall, readers of a pipe that are late, files that end at a limit. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EXIT, exitCodeOfError } from '../../src/cli/exit-codes.ts';

const MAIN = join(import.meta.dirname, '../../bin/pgquake.cjs');
const PROGRAM = join(import.meta.dirname, '../support/writes-for-a-second.ts');
const LINES = Array.from({ length: 50 }, (_, index) => `line ${index + 1}`);
const STOP = '\u0013';
const CONTINUE = '\u0011';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgquake-streams-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

// `script` has other arguments elsewhere.
describe.skipIf(process.platform !== 'linux')('a terminal that stalls', () => {
  let terminal: ChildProcess;

  afterEach(() => {
    terminal.kill(); // and with it what runs in it
  });

  function start() {
    const command = `exec "${process.execPath}" "${PROGRAM}" "${folder}/count" 2>"${folder}/errors"`;
    const script = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null']);
    terminal = script;
    let shown = '';
    script.stdout.setEncoding('utf8').on('data', (text) => {
      shown += text;
    });
    return {
      type: (keys: string) => script.stdin.write(keys),
      shown: () => shown.split(/\r?\n/).filter((line) => /^line \d+$/.test(line)),
      ended: new Promise((done) => script.on('close', done)),
    };
  }

  const counted = () => readFileSync(join(folder, 'count'), 'utf8');

  test('stops nothing else, and shows all when it continues', async () => {
    const { type, shown, ended } = start();
    await vi.waitFor(() => expect(shown()).toContain('line 2'), 20_000);
    type(STOP);
    await vi.waitFor(() => expect(counted()).toBe('50'), 10_000);
    expect(shown().length).toBeLessThan(LINES.length);
    type(CONTINUE);
    expect(await ended).toBe(0);
    expect(shown()).toEqual(LINES);
  });

  test('delays the end no longer than a limit, and is named', async () => {
    const { type, shown, ended } = start();
    await vi.waitFor(() => expect(shown()).toContain('line 2'), 20_000);
    type(STOP);
    expect(await ended).toBe(4);
    expect(readFileSync(join(folder, 'errors'), 'utf8')).toMatch(
      /^standard output cannot be written: the terminal has taken nothing for 0.3 s;.*\n$/,
    );
  });
});

describe('a reader that is late', () => {
  /** @returns the exit code on standard error, and how many bytes the reader got. */
  function read(command: string, reader: string) {
    const shell = `{ ${command}; echo $? >&2; } | { ${reader}; wc -c; }`;
    const { stdout, stderr } = spawnSync('sh', ['-c', shell, process.execPath, MAIN], { encoding: 'utf8' });
    return { bytes: Number(stdout), code: stderr.trim() };
  }

  test('gets all', () => {
    const prompt = read('"$0" "$1" schema', 'true');
    expect(prompt.bytes).toBeGreaterThan(100_000);
    expect(read('"$0" "$1" schema', 'sleep 4')).toEqual({ ...prompt, code: '0' });
  });

  test('keeps a signal from nothing: it ends the command, whose output is not whole', () => {
    const { bytes, code } = read('"$0" "$1" schema & sleep 4; kill -QUIT $!; wait $!', 'sleep 6');
    expect(code).toBe('130');
    expect(bytes).toBeLessThan(100_000);
  });
});

test('a file that takes a part loses the rest: the exit code is 4', () => {
  const shell = 'ulimit -f 64; exec "$0" "$1" schema >"$2"';
  const { status, stderr } = spawnSync('sh', ['-c', shell, process.execPath, MAIN, join(folder, 'file')], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({
    status: EXIT.environment,
    stderr: expect.stringMatching(/^standard output cannot be written: EFBIG.*\n$/),
  });
  expect(exitCodeOfError(Object.assign(new Error('EFBIG: file too large'), { code: 'EFBIG', syscall: 'write' }))).toBe(
    EXIT.environment,
  );
});
