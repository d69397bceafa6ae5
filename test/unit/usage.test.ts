/** What a slip on the command line is told. */

import { describe, expect, test } from 'vitest';
import { COMMAND_NAMES } from '../../src/cli/commands.ts';
import { explainUsage, orCommand, UsageError } from '../../src/cli/usage.ts';
import { InputError } from '../../src/model/errors.ts';

const HELP = 'pgquake plan <scenario>\n\nOptions:\n      --platform  where\n      --node-availability\n';

describe('a complaint about arguments', () => {
  test.each([
    ['Unknown argument: platfrom', ['a', '--platfrom', 'x'], 'there is no option --platfrom; did you mean --platform?'],
    ['Unknown argument: x', ['a', '-x'], 'there is no option --x'],
    ['Unknown argument: b', ['plan', 'a', 'b'], 'unexpected argument "b"'],
    [
      'Unknown arguments: nod-availability, nodAvailability',
      ['--nod-availability=1'],
      'there is no option --nod-availability; did you mean --node-availability?',
    ],
    ['Not enough arguments following: seed', ['a', '--seed'], '--seed: expected a value, found none'],
    [
      'Not enough non-option arguments: got 0, need at least 1',
      ['plan'],
      'expected <scenario> after "plan", found nothing',
    ],
    [
      'Invalid values:\n  Argument: output, Given: "xml", Choices: "text", "json"',
      ['a', '--output', 'xml'],
      '--output: expected one of text, json, found "xml"',
    ],
    [
      'Invalid values:\n  Argument: scenario, Given: "x", Choices: "y"',
      ['plan', 'x'],
      '<scenario>: expected y, found "x"',
    ],
    ['Something new', [], 'Something new'],
  ])('%s', (message, args, expected) => {
    const error = explainUsage(new UsageError(message), args, HELP);
    expect(error.message).toBe(expected);
    expect(error).toBeInstanceOf(InputError);
  });
});

describe('a word that is no scenario', () => {
  const unknown = (message: string) => new InputError(message, { code: 'scenario-unknown', hint: 'scenarios here: a' });

  test('may be a command with a slip', () => {
    expect(COMMAND_NAMES).toContain('replay');
    const error = orCommand(unknown('there is no scenario "replya"'), ['replya', 'x']);
    expect(error).toMatchObject({
      message: 'there is no scenario "replya"; did you mean the command "replay"?',
      hint: 'scenarios here: a',
    });
  });

  test('may be either', () => {
    const error = orCommand(unknown('there is no scenario "lst"; did you mean "last"?'), ['lst']);
    expect(error.message).toBe('there is no scenario "lst"; did you mean "last", or the command "list"?');
  });

  test('is none of a command that was called: what it cannot find is its argument', () => {
    const error = unknown('there is no scenario "plain"');
    expect(orCommand(error, ['plan', 'plain'])).toBe(error);
  });

  test('is left alone where nothing is near, and other errors are too', () => {
    const far = unknown('there is no scenario "xyzzy"');
    expect(orCommand(far, ['xyzzy'])).toBe(far);
    const other = new InputError('cannot read', { code: 'scenario-unreadable' });
    expect(orCommand(other, ['replya'])).toBe(other);
  });
});
