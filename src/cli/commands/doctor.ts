/** `pgquake doctor`: which platforms and faults work on this machine, and what is missing. */

import pc from 'picocolors';
import { cannotDo } from '../../choose.ts';
import type { Platform } from '../../cluster/platform.ts';
import type { Fault } from '../../faults/fault.ts';
import { version } from '../../model/package-files.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { openQuake } from '../open.ts';
import { CONFIG_OPTION, type ConfigArguments, FORMAT_OPTION, type FormatArguments } from '../options.ts';
import { endWith } from '../own-exit.ts';
import { printJson } from '../print-json.ts';
import { asTyped } from '../typed.ts';

/** What works on one platform. */
interface Finding {
  readonly platform: string;
  readonly summary: string;
  readonly usable: boolean;
  /** Why the platform cannot be used; `hint` says what to do. */
  readonly reason?: string;
  readonly hint?: string;
  /** `missing` says why a fault cannot strike; on an unusable platform, only what the platform never supports. */
  readonly faults: readonly { readonly fault: string; readonly missing?: string }[];
}

export const doctor: Command<ConfigArguments & FormatArguments> = {
  builder: (yargs) =>
    yargs.options(CONFIG_OPTION).options(FORMAT_OPTION).example('$0 doctor', 'what works on this machine'),
  handler: async (args) => {
    const { platforms, faults } = (await openQuake(args)).catalog;
    const findings = await Promise.all(platforms.map((platform) => look(platform, faults)));
    if (args.output === 'json') printJson(findings);
    else for (const line of [machineLine(), ...findings.flatMap(linesOf)]) console.log(line);
    endWith(findings.some(({ usable }) => usable) ? EXIT.pass : EXIT.environment);
  },
};

async function look(platform: Platform, faults: readonly Fault[]): Promise<Finding> {
  const unavailable = await platform.unavailable();
  // An unusable platform cannot be asked what this machine lacks.
  const tried = unavailable === undefined ? platform : { ...platform, lacking: async () => undefined };
  return {
    platform: platform.name,
    summary: platform.summary,
    usable: unavailable === undefined,
    ...(unavailable === undefined ? {} : { reason: unavailable.message }),
    ...(unavailable?.hint === undefined ? {} : { hint: asTyped(unavailable.hint) }),
    faults: await Promise.all(
      faults.map(async (fault) => {
        const missing = await cannotDo(tried, fault);
        return { fault: fault.name, ...(missing === undefined ? {} : { missing }) };
      }),
    ),
  };
}

/** Version and machine, for bug reports. */
function machineLine(): string {
  return `pgquake ${version()}, Node.js ${process.versions.node}, ${process.platform} ${process.arch}`;
}

/** Lists each reason once, with the faults that it prevents. */
function linesOf({ platform, summary, usable, reason, hint, faults }: Finding): string[] {
  const reasons = Map.groupBy(faults, ({ missing }) => missing);
  const able = reasons.get(undefined) ?? [];
  reasons.delete(undefined);
  const names = (of: Finding['faults']) => of.map(({ fault }) => fault).join(', ');
  return [
    `platform ${pc.bold(platform)}  ${usable ? pc.green('usable') : pc.red('not usable')}  ${reason ?? summary}`,
    ...(hint === undefined ? [] : [`  ${hint}`]),
    `  ${usable ? 'can strike with    ' : 'could strike with  '} ${names(able) || 'nothing'}`,
    ...[...reasons].map(([why, those]) => `  cannot strike with  ${names(those)}: ${why}`),
  ];
}
