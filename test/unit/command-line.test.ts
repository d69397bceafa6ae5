/** Forms of options and words that no command accepts: nothing that was typed is dropped or misread. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import yargs from 'yargs';
import { commandLine } from '../../src/cli/command-line.ts';
import { COMMANDS } from '../../src/cli/commands.ts';
import { exitCodeOfError } from '../../src/cli/exit-codes.ts';
import { kindsOf, positionalsOf } from '../../src/cli/known-options.ts';
import { explainUsage, UsageError } from '../../src/cli/usage.ts';

const handler = vi.fn();
const commands = COMMANDS.map((command) => ({ ...command, handler }));

beforeEach(() => handler.mockReset());
afterEach(() => vi.restoreAllMocks());

/** @returns the error, or `accepted` if the command was called. */
async function outcome(args: readonly string[]): Promise<Error | string> {
  handler.mockReset();
  try {
    await commandLine(args, commands).parseAsync();
    return handler.mock.calls.length > 0 ? 'accepted' : 'nothing happened';
  } catch (error) {
    return error instanceof UsageError ? explainUsage(error, args, 'pgquake plan <scenario>') : (error as Error);
  }
}

async function refusal(args: readonly string[]): Promise<string> {
  const found = await outcome(args);
  if (typeof found === 'string') return found;
  // YError is explained by main.ts as a UsageError.
  return exitCodeOfError(found.name === 'YError' ? new UsageError('') : found) === 3 ? 'refused' : String(found.stack);
}

const all = COMMANDS.map((command) => {
  const line = String(command.command);
  const [name = ''] = line.split(' ');
  const must = [...line.matchAll(/<([\w-]+)/g)].map(([, one]) => (one === 'what' ? 'check' : 'one'));
  return { name, line, command, called: [...(name === '$0' ? [] : [name]), ...must] };
});

const kinds = async ({ command, line }: (typeof all)[number]) => {
  const parser = yargs([]);
  await (command.builder as (parser: unknown) => Promise<unknown>)(parser);
  return kindsOf(line, parser);
};

describe.each(all)('$name', (one) => {
  test('is called by its name alone', async () => {
    expect(await outcome(one.called)).toBe('accepted');
  });

  test('takes no option in a form that its kind does not have', async () => {
    const { valued, boolean } = await kinds(one);
    const forms = [
      ...[...valued].flatMap((name) => [
        [`--no-${name}`],
        [`--no-${name}=1`],
        [`--${name}.a=1`],
        [`--${name}.a`, '1'],
        [`--no-${name}.a`],
        [`--${name}=`],
        [`--${name}`, ''],
        [`--${name}`, ' '],
        [`--${name}`],
      ]),
      ...[...boolean].flatMap((name) => [[`--${name}=yes`], [`--${name}=`], [`--${name}.a`], [`--no-${name}=true`]]),
    ].filter(([word = '']) => !/^--(no-)?(help|version)/.test(word));
    for (const form of forms) {
      expect([form, await refusal([...one.called, ...form])]).toEqual([form, 'refused']);
      // In front of a word an option without a value would take that word.
      if (form.length > 1 || /[=.]|--no-/.test(form[0] ?? ''))
        expect([form, await refusal([...form, ...one.called])]).toEqual([form, 'refused']);
    }
  });

  test('takes no positional argument as an option', async () => {
    for (const name of positionalsOf(one.line)) {
      for (const form of [[`--${name}`, 'x'], [`--${name}=x`], [`--no-${name}`], [`--${name}.a=x`], [`--${name}=`]])
        expect([form, await refusal([...one.called, ...form])]).toEqual([form, 'refused']);
    }
  });

  test('reads words after -- or refuses them', async () => {
    const passes = ['connect', 'completion'].includes(one.name);
    expect(await refusal([...one.called, '--', '--dry-run'])).toBe(passes ? 'accepted' : 'refused');
    if (passes) expect(handler.mock.calls[0]?.[0]).toMatchObject({ '--': ['--dry-run'] });
    expect(await outcome([...one.called, '--'])).toBe('accepted');
  });
});

test.each([
  [['s.yaml', '--', '--dry-run'], 'unexpected "--dry-run" after --'],
  [['validate', 's.yaml', '--', 'a', 'b'], 'unexpected "a" "b" after --'],
  [['one', '--no-config'], '--config takes a value, found "--no-config"'],
  [['tolerance', '--no-maxDown'], '--max-down takes a value, found "--no-maxDown"'],
  [['logs', '--no-n'], '--lines takes a value, found "--no-n"'],
  [['logs', '-n', ''], '--lines: expected a value, found ""'],
  [['logs', '-fn', ''], '--lines: expected a value, found ""'],
  [['logs', '-n='], '--lines: expected a value, found ""'],
  [['one', '--seed', ' '], '--seed: expected a value, found " "'],
  [['one', '--set', 'a=1', '--set='], '--set: expected a value, found ""'],
  [['one', '--dry-run=yes'], '--dry-run: expected no value, or true or false, found "yes"'],
  [['one', '-q=yes'], '--quiet: expected no value, or true or false, found "yes"'],
  [['plan', 'one', '--scenario', 'two'], 'there is no option --scenario, found "--scenario"'],
  [['plan', '--scenario=one', 'two'], 'there is no option --scenario, found "--scenario=one"'],
  [['plan', '--scenario=one'], 'there is no option --scenario, found "--scenario=one"'],
  [['one', '--platform.a=x'], 'there is no option --platform.a'],
])('%j: %s', async (args, message) => {
  expect(await outcome(args)).toMatchObject({ message });
});

test.each([
  [
    ['one', '--dry-run=false', '--no-fit', '--all=true', '-q'],
    { 'dry-run': false, fit: false, all: true, quiet: true },
  ],
  [['logs', '-fn5'], { follow: true, lines: 5 }],
  [['logs', '-n', '5', 'worker1'], { lines: 5, node: 'worker1' }],
  [['one', '--set', 'a.b= ', '--set', 'c='], { set: ['a.b= ', 'c='] }],
  [['judge', 'run', '--scenario', './a.yaml'], { run: 'run', scenario: './a.yaml' }],
  [['up', '--folder', 'a'], { folder: 'a' }],
])('%j is read as written', async (args, read) => {
  expect(await outcome(args)).toBe('accepted');
  expect(handler.mock.calls[0]?.[0]).toMatchObject(read);
});
