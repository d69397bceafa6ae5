/** `pgquake compare <run..>`: what changed from earlier stored runs to the last named one. Needs no cluster. */

import { compareReports } from '../../measure/comparison.ts';
import { InputError } from '../../model/errors.ts';
import { parseShare } from '../../model/units.ts';
import { comparisonMarkdown, comparisonText } from '../../reporters/comparison.ts';
import { readReport } from '../../store.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { endWith } from '../own-exit.ts';
import { printJson } from '../print-json.ts';

interface CompareArguments {
  run: string[];
  output: 'text' | 'markdown' | 'json';
  'fail-on-regression': boolean;
  'time-tolerance': string;
  'availability-tolerance': string;
}

export const compare: Command<CompareArguments> = {
  builder: (yargs) =>
    yargs
      .positional('run', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'run folders or report.json files: the earlier runs, then the one to compare with them',
      })
      .option('output', {
        requiresArg: true,
        choices: ['text', 'markdown', 'json'] as const,
        default: 'text' as const,
        describe: 'text for people, json for programs',
      })
      .option('fail-on-regression', {
        type: 'boolean',
        default: false,
        describe: 'exit with 1 if something is worse',
      })
      .option('time-tolerance', {
        type: 'string',
        requiresArg: true,
        default: '20%',
        describe: 'how much longer times may get',
      })
      .option('availability-tolerance', {
        type: 'string',
        requiresArg: true,
        default: '0.1%',
        describe: 'how far availability may fall',
      })
      .example('$0 compare baseline/*.json reports/latest --fail-on-regression', 'in CI, against several runs'),
  handler: async ({ run: runs, output, ...options }) => {
    const [first, ...others] = runs.slice(0, -1);
    const after = runs.at(-1);
    if (first === undefined || after === undefined) throw tooFew(runs.length);
    const tolerance = {
      time: shareOf('time-tolerance', options['time-tolerance']),
      share: shareOf('availability-tolerance', options['availability-tolerance']),
    };
    const before = [await readReport(first), ...(await Promise.all(others.map(readReport)))] as const;
    const comparison = compareReports([...before], await readReport(after), tolerance);
    if (output === 'json') printJson(comparison);
    else if (output === 'markdown') process.stdout.write(comparisonMarkdown(comparison));
    else for (const line of comparisonText(comparison, process.stdout.columns ?? 100)) console.log(line);
    if (options['fail-on-regression'] && comparison.regression) endWith(EXIT.fail);
  },
};

function tooFew(found: number): InputError {
  return new InputError(`expected at least two runs, found ${found}`, {
    code: 'usage',
    hint: 'name earlier runs, then the one to compare with them',
  });
}

function shareOf(option: string, text: string): number {
  const share = parseShare(text);
  if (share !== undefined) return share;
  throw new InputError(`--${option}: expected a percentage such as 20% or 0.1%, found "${text}"`, { code: 'usage' });
}
