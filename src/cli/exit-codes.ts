/** What the exit code says, for CI: the one list. */

import { attributed, EnvironmentError, InputError, InterruptedError } from '../model/errors.ts';
import type { Judgement } from '../model/verdict.ts';

export const EXIT = {
  pass: 0,
  fail: 1,
  unknown: 2,
  input: 3,
  environment: 4,
  bug: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export function exitCodeOfJudgement(judgement: Judgement): ExitCode {
  return EXIT[judgement];
}

/** By who must act: the author of the input, the owner of the machine, the person who interrupted, or us. */
export function exitCodeOfError(thrown: unknown): ExitCode {
  const error = attributed(thrown);
  if (error instanceof InputError) return EXIT.input;
  if (error instanceof EnvironmentError) return EXIT.environment;
  if (error instanceof InterruptedError) return EXIT.interrupted;
  return EXIT.bug;
}

/** Of several runs: what needs a person first. Interrupted, bug, environment, input, then the verdicts. */
export function worstExitCode(codes: readonly ExitCode[]): ExitCode {
  const order: readonly ExitCode[] = [
    EXIT.interrupted,
    EXIT.bug,
    EXIT.environment,
    EXIT.input,
    EXIT.fail,
    EXIT.unknown,
    EXIT.pass,
  ];
  return order.find((code) => codes.includes(code)) ?? EXIT.pass;
}
