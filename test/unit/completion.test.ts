/** What a shell is offered behind `pgquake`, and that the scripts are good shell. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { COMPLETION_SCRIPTS, candidates } from '../../src/cli/offered-words.ts';

const sources = {
  commands: ['list', 'plan', 'replay'],
  takesScenarios: (command: string | undefined) => command === undefined || command === 'plan',
  optionsOf: async (command: string | undefined) => (command === 'plan' ? ['seed', 'set'] : ['seed', 'times']),
  scenarios: async () => ['one-worker', 'one-worker-kill', 'patroni/primary-lost'],
};

describe('completion', () => {
  test.each([
    [[''], ['list', 'one-worker', 'one-worker-kill', 'patroni/primary-lost', 'plan', 'replay']],
    [['pl'], ['plan']],
    [['one'], ['one-worker', 'one-worker-kill']],
    [['plan', 'pa'], ['patroni/primary-lost']],
    [
      ['plan', '--s'],
      ['--seed', '--set'],
    ],
    [['one-worker', '--t'], ['--times']],
    [['one-worker', 'one-worker-'], ['one-worker-kill']],
    [['replay', 'o'], []],
    [[], ['list', 'one-worker', 'one-worker-kill', 'patroni/primary-lost', 'plan', 'replay']],
  ])('behind %j', async (words, expected) => {
    expect(await candidates(words, sources)).toEqual(expected);
  });

  test('the script for bash completes a scenario in a real bash', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pgquake-completion-'));
    try {
      writeFileSync(join(folder, 'script'), COMPLETION_SCRIPTS.bash);
      const ask = `source ${join(folder, 'script')}
        pgquake() { [ "$1 $2 $3" = "completion words --" ] && printf '%s\\n' one-worker "asked:$4,$5"; }
        COMP_WORDS=(pgquake plan one) COMP_CWORD=2
        _pgquake
        printf '%s\\n' "\${COMPREPLY[@]}"`;
      expect(execFileSync('bash', ['-c', ask], { encoding: 'utf8' })).toBe('one-worker\nasked:plan,one\n');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('every script asks for the words behind the program', () => {
    for (const script of Object.values(COMPLETION_SCRIPTS)) expect(script).toContain('pgquake completion words -- ');
  });
});
