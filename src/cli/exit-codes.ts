/** The exit codes, for CI. */

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

/** The exit code tells who must act: the author of the input, the owner of the machine, the user, or pgquake's authors. */
export function exitCodeOfError(thrown: unknown): ExitCode {
  const error = attributed(thrown);
  if (error instanceof InputError) return EXIT.input;
  if (error instanceof EnvironmentError) return EXIT.environment;
  if (error instanceof InterruptedError) return EXIT.interrupted;
  return EXIT.bug;
}

/** The most urgent code of several runs: interrupted, bug, environment, input, then the verdicts. */
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
