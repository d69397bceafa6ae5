/** Every help shows how the command is used. */

import { expect, test } from 'vitest';
import yargs from 'yargs';
import { COMMANDS } from '../../src/cli/commands.ts';

interface Built {
  getInternalMethods(): { getUsageInstance(): { freeze(): void; unfreeze(): void } };
  getHelp(): Promise<string>;
}

const nameOf = (command: unknown) => String(command).split(' ')[0] as string;

test.each(COMMANDS.map((command) => [nameOf(command.command), command] as const))('%s', async (_, { builder }) => {
  const parser = yargs([]).scriptName('pgquake');
  await (builder as (parser: unknown) => Promise<unknown>)(parser);
  expect(await (parser as unknown as Built).getHelp()).toMatch(/Examples:\n +\S*.*pgquake /);
});
