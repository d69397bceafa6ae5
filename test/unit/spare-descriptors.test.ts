/** The file descriptors that a run holds in reserve, each look in a process of its own that has used up all others. */

import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const MODULE = resolve(import.meta.dirname, '../../src/model/spare-descriptors.ts');

/** @param code runs where `useUp` opens all descriptors that are left, and `left` counts those that can be opened. */
function inShortProcess(code: string): unknown {
  const script = `
    import { closeSync, openSync } from 'node:fs';
    const spare = await import(${JSON.stringify(MODULE)});
    const useUp = () => {
      const opened = [];
      try {
        for (;;) opened.push(openSync('/dev/null'));
      } catch {
        return opened;
      }
    };
    const left = () => {
      const opened = useUp();
      opened.forEach(closeSync);
      return opened.length;
    };
    ${code}`;
  const node = [process.execPath, '--input-type=module', '--eval', script];
  const { stdout, stderr } = spawnSync('sh', ['-c', 'ulimit -n 64; exec "$0" "$@"', ...node], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

test('they are free during work that needs them, and then held again until their run ends', () => {
  expect(
    inShortProcess(`
      using run = spare.holdDescriptors();
      useUp();
      const during = await spare.withSpareDescriptors(async () => left());
      const after = left();
      run[Symbol.dispose]();
      console.log(JSON.stringify({ during, after, atTheEnd: left() }));`),
  ).toEqual({ during: 16, after: 0, atTheEnd: 16 });
});

test('a run that had enough ends without an error, one that ran out even of them with one for the environment', () => {
  expect(
    inShortProcess(`
      const looked = async () => {
        await spare.withSpareDescriptors(async () => {});
        try {
          spare.refuseWithoutDescriptors();
        } catch (error) {
          return [error.name, error.hint];
        }
      };
      using run = spare.holdDescriptors();
      const enough = await looked() ?? 'enough';
      run[Symbol.dispose]();
      useUp();
      using next = spare.holdDescriptors();
      console.log(JSON.stringify({ enough, none: await looked() }));`),
  ).toEqual({ enough: 'enough', none: ['EnvironmentError', expect.stringContaining('ulimit -n')] });
});

test('the last one is that of standard input, where it was lent', () => {
  expect(
    inShortProcess(`
      useUp();
      const kept = await spare.withLastDescriptors(async () => left());
      spare.lendStandardInput();
      const removing = await spare.withLastDescriptors(async () => left());
      console.log(JSON.stringify({ kept, removing }));`),
  ).toEqual({ kept: 0, removing: 1 });
});
