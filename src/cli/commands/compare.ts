/** `pgquake compare <before> <after>`: what changed from one stored run to another. Needs no cluster. */

import { compareReports } from '../../measure/comparison.ts';
import { InputError } from '../../model/errors.ts';
import { parseShare } from '../../model/units.ts';
import { comparisonMarkdown, comparisonText } from '../../reporters/comparison.ts';
import { readReport } from '../../store.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

interface CompareArguments {
  before: string;
  after: string;
  output: 'text' | 'markdown' | 'json';
  'fail-on-regression': boolean;
  'time-tolerance': string;
  'availability-tolerance': string;
}

export const compare: Command<CompareArguments> = {
  builder: (yargs) =>
    yargs
      .positional('before', { type: 'string', demandOption: true, describe: 'a run folder, or its report.json' })
      .positional('after', { type: 'string', demandOption: true, describe: 'another' })
      .option('output', { requiresArg: true, choices: ['text', 'markdown', 'json'] as const, default: 'text' as const })
      .option('fail-on-regression', {
        type: 'boolean',
        default: false,
        describe: 'end with 1 where something is worse',
      })
      .option('time-tolerance', {
        type: 'string',
        requiresArg: true,
        default: '20%',
        describe: 'how much longer times may be',
      })
      .option('availability-tolerance', {
        type: 'string',
        requiresArg: true,
        default: '0.1%',
        describe: 'how much availability may fall',
      })
      .example('$0 compare baseline/report.json reports/latest --fail-on-regression', 'in CI'),
  handler: async ({ before, after, output, ...options }) => {
    const tolerance = {
      time: shareOf('time-tolerance', options['time-tolerance']),
      share: shareOf('availability-tolerance', options['availability-tolerance']),
    };
    const comparison = compareReports(await readReport(before), await readReport(after), tolerance);
    if (output === 'json') console.log(JSON.stringify(comparison, null, 2));
    else if (output === 'markdown') process.stdout.write(comparisonMarkdown(comparison));
    else for (const line of comparisonText(comparison, process.stdout.columns ?? 100)) console.log(line);
    if (options['fail-on-regression'] && comparison.regression) process.exitCode = EXIT.fail;
  },
};

function shareOf(option: string, text: string): number {
  const share = parseShare(text);
  if (share !== undefined) return share;
  throw new InputError(`--${option}: expected a percentage such as 20% or 0.1%, found "${text}"`, { code: 'usage' });
}
