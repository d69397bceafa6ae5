/** `pgquake <scenario..>`: runs scenarios and exits with their verdict. */

import { basename, join, relative, resolve, sep } from 'node:path';
import pc from 'picocolors';
import { useDisk } from '../../disk/files-in.ts';
import { Begun } from '../../model/begun.ts';
import { errorText, InputError } from '../../model/errors.ts';
import type { Attempt } from '../../model/history.ts';
import { ownCommand } from '../../model/package-files.ts';
import type { Plan } from '../../model/plan.ts';
import type { Report } from '../../model/report.ts';
import type { Scenario } from '../../model/scenario.ts';
import { lendStandardInput } from '../../model/spare-descriptors.ts';
import type { Judgement } from '../../model/verdict.ts';
import type { Quake } from '../../quake.ts';
import { plainText } from '../../reporters/escape.ts';
import { terminalSummary } from '../../reporters/terminal.ts';
import { loadLayout } from '../../reporters/text-layout.ts';
import { refuseRetries, withRetries } from '../../retries.ts';
import type { RunListener } from '../../run/recorder.ts';
import { SCENARIO_FOLDERS } from '../../scenario/find.ts';
import type { ScenarioSuite } from '../../scenario/load.ts';
import { chosenScenarios, chosenSuite } from '../chosen-scenarios.ts';
import { askToConfirm } from '../confirm.ts';
import { EXIT, type ExitCode, exitCodeOfError, exitCodeOfJudgement, worstExitCode } from '../exit-codes.ts';
import { explain } from '../explain.ts';
import { failureNotes } from '../failure-notes.ts';
import { hopelessWarnings } from '../hopeless.ts';
import { interruptible } from '../interrupt.ts';
import { openQuake, reportsFolder } from '../open.ts';
import type { ConfigArguments, Overrides, RunArguments } from '../options.ts';
import { Output } from '../output.ts';
import { endWith } from '../own-exit.ts';
import { openProgress, type Progress } from '../progress.ts';
import { quietProgress } from '../quiet-progress.ts';
import { SuiteTable } from '../suite.ts';
import { timesLine, timesOf } from '../times.ts';
import { seedOf, withEnvironment } from '../vocabulary.ts';
import { printPlan } from './plan.ts';

export async function run(given: RunArguments): Promise<void> {
  const args = withEnvironment(given);
  const quake = await openQuake(args, args.suite === undefined ? args.scenario : [args.suite]);
  const times = timesOf(args.times ?? 1);
  const named = await chosenSuite(quake, args);
  const once = named?.scenarios ?? (await chosenScenarios(quake, args));
  const scenarios = once.flatMap((scenario) => Array<Scenario>(times).fill(scenario));
  const suite = named && { ...named, scenarios };
  const seed = seedOf(args.seed);
  const { retries } = args;
  refuseRetries('--retries', retries);
  refuseBothWays(args);
  if (args['dry-run']) {
    for (const scenario of once) await printPlan(quake, scenario, { seed, output: args.output });
    return;
  }
  const reports = reportsFolder(quake, args.reports);
  // Shared by all runs and the table of a suite.
  await using disk = new Begun(useDisk(reports));
  const output = new Output(args.output);
  const codes: ExitCode[] = [];
  try {
    // Until then, the table's folder would be made by this process, which could not be ended if it had to wait.
    if (suite) await disk.ready;
    const table = suite && (await SuiteTable.open(suite, { reports, again: suiteAgain(suite, args), output }));
    const stage: Stage = {};
    const interrupt = interruptibleRun(stage);
    for (const scenario of scenarios) {
      if (interrupt.signal.aborted) break;
      // One answer counts for all scenarios.
      args.confirm ??= await askToConfirm(scenario);
      codes.push(
        await runOne(scenario, {
          quake,
          reports,
          seed,
          retries,
          args,
          signal: interrupt.signal,
          stage,
          table,
          output,
        }),
      );
    }
    interrupt.stop();
    await table?.close();
    if (times > 1)
      for (const scenario of once) output.say(timesLine(scenario.name, judgementsOf(scenario, scenarios, codes)));
    if (interrupt.signal.aborted) codes.push(exitCodeOfError(interrupt.signal.reason));
  } finally {
    output.close(codes.length < scenarios.length);
  }
  endWith(worstExitCode(codes));
}

/** The judgements of the runs of one scenario that took place. */
function judgementsOf(scenario: Scenario, run: readonly Scenario[], codes: readonly ExitCode[]): Judgement[] {
  const own = codes.filter((_, i) => run[i] === scenario);
  return own.map((code) => (code === EXIT.pass ? 'pass' : code === EXIT.fail ? 'fail' : 'unknown'));
}

/** Ctrl-C ends a run in order; pressed again, it shows what pgquake is still undoing. */
export function interruptibleRun(stage: Stage): ReturnType<typeof interruptible> {
  return interruptible((text) => (stage.progress ? stage.progress.note(text) : console.error(text)), {
    first: 'healing, releasing the cluster, writing the report',
    further: () =>
      `still ${stage.healing?.size ? `undoing ${[...stage.healing.values()].join(', ')}` : 'releasing the cluster'}; this cannot be skipped, but has a time limit`,
  });
}

/** Records in `stage` which acts are being undone. */
function healingIn(stage: Stage): RunListener {
  const asked = new Map<number, string>();
  const healing = new Map<number, string>();
  stage.healing = healing;
  return {
    event: (event) => {
      if (event.type === 'fault-asked') asked.set(event.act, `${event.fault} on ${event.targets.join(', ')}`);
      if (event.type === 'heal-asked') healing.set(event.act, asked.get(event.act) ?? '');
      if (event.type === 'healed' || event.type === 'heal-failed') healing.delete(event.act);
    },
  };
}

/** State of the current run for messages from outside of it, which go through the live view so as not to garble it. */
export interface Stage {
  progress?: Progress;
  /** Acts that are being undone, in words. */
  healing?: Map<number, string>;
}

/** @throws InputError if both --quiet and --verbose are given. */
function refuseBothWays({ quiet, verbose }: RunArguments): void {
  if (!quiet || !verbose) return;
  throw new InputError('--quiet and --verbose contradict each other', { code: 'usage', hint: 'leave one of them out' });
}

/** The arguments that each attempt needs. */
export type AttemptArguments = Overrides &
  ConfigArguments &
  Pick<RunArguments, 'realtime' | 'fit' | 'confirm' | 'quiet' | 'verbose'>;

interface RunSettings {
  readonly quake: Quake;
  /** The folder in which the run's folder is created. */
  readonly reports: string;
  readonly seed: number | undefined;
  readonly retries: number;
  /** The plan of an earlier run, to repeat its schedule. */
  readonly replayed?: Plan;
  readonly args: AttemptArguments;
  /** The command that repeats the run; derived from the arguments by default. */
  readonly again?: string;
  readonly signal: AbortSignal;
  readonly stage: Stage;
  /** The table of the suite, if the scenario runs in one. */
  readonly table: SuiteTable | undefined;
  readonly output: Output;
}

/** The result of one attempt at a scenario. */
interface Ended {
  readonly code: ExitCode;
  readonly report: Report;
  readonly folder: string;
  readonly failure: unknown;
}

/** Runs a scenario, and again if the machine was too busy to judge it. Each attempt has its folder; the last one counts. */
export async function runOne(scenario: Scenario, settings: RunSettings): Promise<ExitCode> {
  const { quake, retries, table, output, signal } = settings;
  output.say(`${pc.bold(plainText(scenario.name))}  ${plainText(scenario.summary)}`);
  if (scenario.claim !== undefined) output.say(pc.dim(`claim: "${plainText(scenario.claim)}"`));
  for (const line of hopelessWarnings(scenario)) output.say(`${pc.yellow('warning')} ${plainText(line)}`);
  try {
    const { code, report, folder, failure } = await withRetries({
      retries,
      checks: quake.catalog.checks,
      signal,
      attempt: (number) => attempt(scenario, settings, number),
      tell: (which, why) => output.say(`${pc.yellow('retry')}  ${which}: ${why}\n`),
    });
    table?.add(report, basename(folder));
    output.judged(report, relative('.', folder), failure === undefined ? undefined : errorText(failure));
    return code;
  } catch (error) {
    output.failed(scenario.name, errorText(error));
    if (table === undefined) throw error;
    table.addFailure(scenario, error);
    explain(error);
    return exitCodeOfError(error);
  }
}

async function attempt(
  scenario: Scenario,
  { quake, reports, seed, replayed, args, again, signal, stage, table, output }: RunSettings,
  number: Attempt | undefined,
): Promise<Ended> {
  const progress = args.quiet
    ? quietProgress(scenario, output.stream)
    : openProgress(scenario, { stream: output.stream });
  stage.progress = progress;
  lendStandardInput();
  loadLayout();
  try {
    const { report, folder, failure } = await quake.run(scenario, {
      ...(seed === undefined ? {} : { seed }),
      ...(replayed === undefined ? {} : { replayed }),
      reports,
      realtime: args.realtime,
      fit: args.fit,
      confirm: args.confirm,
      attempt: number,
      again: again ?? againOf(scenario, args),
      say: (text) => progress.note(text),
      listeners: [
        listenerOf(progress),
        healingIn(stage),
        ...(args.verbose ? [{ operations: failureNotes((text) => progress.note(text)) }] : []),
      ],
      signal,
    });
    progress.close();
    const inSuite = table !== undefined && !args.verbose;
    for (const line of closingLines(report, folder, { inSuite, every: args.verbose === true, columns: output.columns }))
      output.say(line);
    if (failure !== undefined) explain(failure);
    const code = failure === undefined ? exitCodeOfJudgement(report.judgement) : exitCodeOfError(failure);
    return { code, report, folder, failure };
  } finally {
    progress.close();
  }
}

/** In a suite, one line: the table at the end and the reports have the rest. */
function closingLines(
  report: Report,
  folder: string,
  { inSuite, every, columns }: { readonly inSuite: boolean; readonly every: boolean; readonly columns: number },
): string[] {
  if (inSuite) return ['', `${report.judgement.toUpperCase()}  ${plainText(report.finding)}`, ''];
  return terminalSummary(report, { colors: pc, columns, folder: relative('.', folder), every });
}

/** The command that repeats the run; a scenario in scenarios/ goes by its name. */
function againOf(scenario: Scenario, args: AttemptArguments): string {
  const file = resolve(scenario.file);
  const folder = SCENARIO_FOLDERS.find((one) => file.startsWith(join(one, sep)) && file.endsWith('.yaml'));
  const name = folder && relative(folder, file).slice(0, -'.yaml'.length);
  return [ownCommand(), name ?? scenario.file, ...overridesOf(args)].join(' ');
}

function suiteAgain({ name }: ScenarioSuite, args: RunArguments): string {
  return [ownCommand(), '--suite', args.suite ?? name, ...overridesOf(args)].join(' ');
}

/** The command that repeats the schedule of the run in a folder. */
export function replayOf(folder: string, args: AttemptArguments): string {
  return [ownCommand(), 'replay', shellWord(folder), ...overridesOf(args)].join(' ');
}

function shellWord(text: string): string {
  return /^[\w.,:/%=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function overridesOf({ platform, engine, attach, set, realtime, fit, config }: AttemptArguments): string[] {
  return [
    ...(platform === undefined ? [] : [`--platform ${platform}`]),
    ...(engine === undefined ? [] : [`--engine ${engine}`]),
    ...(attach === undefined ? [] : [`--attach ${attach}`]),
    ...(set ?? []).map((change) => `--set ${shellWord(change)}`),
    ...(realtime ? ['--realtime'] : []),
    ...(config === undefined ? [] : [`--config ${config}`]),
    ...(fit ? ['--fit'] : []),
  ];
}

function listenerOf(progress: Progress): RunListener {
  return {
    event: (event) => progress.event(event),
    operations: (batch) => {
      for (const { kind, outcome } of batch.scan()) progress.counts(kind, outcome, 1);
    },
  };
}
