/** The interface of checks: a pure function from the history to one of three judgements. */

import { z } from 'zod';
import type { Observation } from '../model/event.ts';
import type { History } from '../model/history.ts';
import type { Requirement } from '../model/requirements.ts';
import type { NodeEffect } from '../model/topology.ts';
import type { Finding, Question, Telling } from '../model/verdict.ts';

/** What a check may validate its parameters against before anything starts. */
export interface ScenarioFacts {
  /** Kinds of operation of the workload: `read`, `scan`, `write`. */
  readonly kinds: readonly string[];
  /** The names of the partitions, and the engine's word for one. */
  readonly partitions: readonly string[];
  readonly partitionWord?: string | undefined;
  /** Messages of the initial data set. */
  readonly messages: number;
  /** Whether the workload writes, and whether its operations belong to sessions. */
  readonly writes?: boolean;
  readonly sessions?: boolean;
  /** What checks may require but this scenario lacks; nothing by default. */
  readonly lacks?: readonly Requirement[];
  /** Copies of every partition. */
  readonly replication?: number;
  /** The scenario's faults, with the effect of each on its targets; absent if one of them is invalid. */
  readonly faults?: readonly { readonly name: string; readonly effect?: NodeEffect | undefined }[];
}

/** A well-formed parameter that is impossible in this scenario. */
export interface ParamProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** The valid words, for "did you mean". */
  readonly known?: readonly string[];
}

/** The problem of a parameter `of` that names no kind of operation of the workload. */
export function unknownKind(of: string, { kinds }: ScenarioFacts): ParamProblem[] {
  if (kinds.includes(of)) return [];
  return [{ path: ['of'], message: `there is no kind of operation ${JSON.stringify(of)}`, known: kinds }];
}

// biome-ignore lint/suspicious/noExplicitAny: the catalogue holds checks of all parameter types.
export interface Check<P = any> {
  readonly name: string;
  readonly summary: string;
  /** When it answers `unknown`, for docs/checks.md. Shipped checks have it. */
  readonly unknownWhen?: string;
  /** A strict object: unknown keys are errors. Keys are kebab-case. */
  readonly params: z.ZodType<P>;
  /**
   * Whether every run makes the check, whatever its hypothesis; all its parameters then have defaults. A function
   * selects runs that recorded what the check needs; runs of earlier versions may not have. False by default.
   */
  readonly always?: boolean | ((history: History) => boolean);
  /**
   * Set if its `fail` requires that load and servers had the machine they need: a check that excuses then turns it into
   * `unknown`. `operations`: it judges by operations and probes alone, so if parts of the run are doubtful, pgquake
   * judges it without them, and a failure that remains stands. `whole-run`: it needs the whole run. Not set by default.
   */
  readonly needsKeptSchedule?: 'operations' | 'whole-run';
  /**
   * Whether operations that the history lacks cannot refute its `fail`, because those that it has prove it, or events
   * do. False by default: in a history that was cut off, pgquake then turns `fail` into `unknown`.
   */
  readonly provenByPart?: boolean | ((history: History, params: P) => boolean);
  /**
   * While it is `unknown`, or passes with `excuses`, it excuses failures with this reason: `the load did not keep its
   * own schedule`.
   */
  readonly excuses?: string;
  /** While it is `unknown`, nothing was tested, and every failure is excused with this reason. */
  readonly voids?: string;
  /** What its words add to the first sentence of a report; by default only if it decides. */
  readonly tells?: Telling;
  /** The figure at the head of a report that the check limits; none by default. */
  readonly answers?: Question;
  /**
   * What the check requires; nothing by default. pgquake refuses a scenario that asks for it but lacks one of these;
   * runs that lack one do not make it by themselves.
   */
  readonly requires?: readonly Requirement[];
  /** Extra observations that it needs; none by default. */
  readonly needs?: readonly Observation[];
  /** Set if, after healing, the load must read each partition key again whose last read failed. */
  readonly asksAgain?: true;
  /**
   * Why no run of the scenario could judge it: `validate` refuses it; in a run it is `unknown`.
   * @returns `undefined` if a run can.
   */
  hopeless?(params: P, facts: ScenarioFacts): string | undefined;
  /** Problems that depend on the rest of the scenario. */
  validate?(params: P, facts: ScenarioFacts): ParamProblem[];
  /**
   * Pure. If it throws, the judgement is `unknown`. It must also be `unknown` if the history lacks what the check needs
   * to have seen: a pass means that something was tried and held.
   * @param how whether a hypothesis asks for it (the default), or every run makes it.
   */
  check(history: History, params: P, how?: { readonly asked: boolean }): Finding;
}

export function defineCheck<P>(check: Check<P>): Check<P> {
  return check;
}

/** A parameter of checks of reads: that faults struck during some. */
export const struckReads = z.strictObject({
  'under-way': z
    .int()
    .min(1)
    .optional()
    .describe('How many reads must have been under way when a fault took effect, for the check to be judged.'),
});
