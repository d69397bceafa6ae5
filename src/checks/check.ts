/** What every check is: a pure function from the history to one of three answers. */

import { z } from 'zod';
import type { Observation } from '../model/event.ts';
import type { History } from '../model/history.ts';
import type { Requirement } from '../model/requirements.ts';
import type { NodeEffect } from '../model/topology.ts';
import type { Finding, Question, Telling } from '../model/verdict.ts';

/** What a check may hold its parameters against before anything is started. */
export interface ScenarioFacts {
  /** Kinds of operation of the workload: `read`, `scan`, `write`. */
  readonly kinds: readonly string[];
  /** By their names, and what the engine calls one. */
  readonly partitions: readonly string[];
  readonly partitionWord?: string | undefined;
  /** Messages of the initial data set. */
  readonly messages: number;
  /** Whether the workload writes at all, and whether its operations belong to sessions. */
  readonly writes?: boolean;
  readonly sessions?: boolean;
  /** What checks may require and this scenario does not bring; nothing by default. */
  readonly lacks?: readonly Requirement[];
  /** Copies of every partition. */
  readonly replication?: number;
  /** The scenario's faults, with what each makes of its targets; absent where one of them could not be read. */
  readonly faults?: readonly { readonly name: string; readonly effect?: NodeEffect | undefined }[];
}

/** A parameter that is well-formed and still impossible here. */
export interface ParamProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** The words that would have been right, for "did you mean". */
  readonly known?: readonly string[];
}

// biome-ignore lint/suspicious/noExplicitAny: the catalogue holds checks of all parameter types.
export interface Check<P = any> {
  readonly name: string;
  readonly summary: string;
  /** When it answers `unknown`, for its reader; docs/checks.md shows it. Shipped checks have it. */
  readonly unknownWhen?: string;
  /** A strict object: unknown keys are errors. Keys are kebab-case, as written in a scenario. */
  readonly params: z.ZodType<P>;
  /**
   * Every run makes it, whatever its hypothesis; all its parameters have defaults. A function: every run that recorded
   * what it needs, which runs of earlier versions did not. Not by default.
   */
  readonly always?: boolean | ((history: History) => boolean);
  /**
   * Its `fail` rests on load and servers having had the machine that they need: where one of the checks that excuse
   * does so, the answer is `unknown`. `operations`: it judges by operations and probes alone, so where only parts of the
   * run are doubtful it is judged without them, and what fails all the same stands. `whole-run`: it does not. Not needed
   * by default.
   */
  readonly needsKeptSchedule?: 'operations' | 'whole-run';
  /**
   * While it is `unknown`, or passes with `excuses`, it excuses what failed with this reason: `the load did not keep its
   * own schedule`.
   */
  readonly excuses?: string;
  /** While it is `unknown`, nothing was put to the test, and whatever failed is excused with this reason. */
  readonly voids?: string;
  /** What its words tell in the sentence that opens a report; by default they are told only where it decides. */
  readonly tells?: Telling;
  /** The figure at the head of a report that it sets a limit to; none by default. */
  readonly answers?: Question;
  /**
   * What it cannot judge without; nothing by default. A scenario that asks for it and lacks one of these is refused, and
   * where every run makes it, runs without do not.
   */
  readonly requires?: readonly Requirement[];
  /** What must be recorded for it beyond the usual; nothing by default. */
  readonly needs?: readonly Observation[];
  /** The load has to read again, after healing, each partition key whose last read failed. Not by default. */
  readonly asksAgain?: true;
  /**
   * Why no run of the scenario could ever judge it, whatever happens: `validate` refuses it, a run has it as `unknown`.
   * @returns `undefined` where a run can.
   */
  hopeless?(params: P, facts: ScenarioFacts): string | undefined;
  /** Problems that need the rest of the scenario to be seen. */
  validate?(params: P, facts: ScenarioFacts): ParamProblem[];
  /**
   * Pure. What it throws is an answer too: `unknown`. So is a history without what the check needs to have seen: a
   * pass says that something was tried and held.
   * @param how whether a hypothesis asks for it, as by default, or every run makes it.
   */
  check(history: History, params: P, how?: { readonly asked: boolean }): Finding;
}

export function defineCheck<P>(check: Check<P>): Check<P> {
  return check;
}

/** What a check of reads may ask for beside reads without a flaw: that faults struck in the middle of some. */
export const struckReads = z.strictObject({
  'under-way': z
    .int()
    .min(1)
    .optional()
    .describe('How many reads must have been under way when a fault took effect, for the check to be judged.'),
});
