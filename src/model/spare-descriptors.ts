/**
 * File descriptors that a run holds in reserve. Healing and removing a cluster open files and start processes; the
 * load's connections may have used up all that this process may open.
 */

import { closeSync, openSync } from 'node:fs';
import { atALimit, type EnvironmentError, errorText, isShortOfDescriptors } from './errors.ts';

/** To start a program takes about eight, a session one. */
const COUNT = 16;
const STANDARD_INPUT = 0;

let runs = 0;
let users = 0;
let held: number[] = [];
let inputIsLent = false;
let refusal: EnvironmentError | undefined;

/**
 * Holds descriptors until disposed; harmless twice. Call it early: a limit that is lowered later spares the low numbers.
 */
export function holdDescriptors(): Disposable {
  if (runs++ === 0) {
    refusal = undefined;
    hold();
  }
  let holds = true;
  return {
    [Symbol.dispose]: () => {
      if (holds && --runs === 0) free();
      holds = false;
    },
  };
}

/** Lets `withLastDescriptors` close standard input. Only for a process that does not read it any more. */
export function lendStandardInput(): void {
  inputIsLent = true;
}

/** Does work that must not fail for want of descriptors: frees the held ones for it, and then takes them back. */
export async function withSpareDescriptors<T>(work: () => Promise<T>): Promise<T> {
  users++;
  free();
  noteShortage();
  try {
    return await work();
  } finally {
    if (--users === 0 && runs > 0) hold();
  }
}

/**
 * The same for work on files alone: a limit that was lowered far leaves only numbers that Node.js itself uses, and that of
 * standard input. A socket that gets this number never gives it back.
 */
export function withLastDescriptors<T>(work: () => Promise<T>): Promise<T> {
  return withSpareDescriptors(() => {
    if (inputIsLent && openingError() !== undefined) close(STANDARD_INPUT);
    return work();
  });
}

/** @throws EnvironmentError if this run's `withSpareDescriptors` found none left, even once. */
export function refuseWithoutDescriptors(): void {
  if (refusal) throw refusal;
}

function hold(): void {
  try {
    while (held.length < COUNT) held.push(openSync('/dev/null', 'r'));
  } catch {
    // Fewer are better than none.
  }
}

function free(): void {
  held.forEach(close);
  held = [];
}

function close(descriptor: number): void {
  try {
    closeSync(descriptor);
  } catch {
    // It was closed already.
  }
}

function noteShortage(): void {
  const cause = openingError();
  refusal ??= cause && atALimit(new Error(`pgquake had no file descriptor left: ${errorText(cause)}`, { cause }));
}

function openingError(): Error | undefined {
  try {
    closeSync(openSync('/dev/null', 'r'));
    return undefined;
  } catch (error) {
    return isShortOfDescriptors(error) ? (error as Error) : undefined;
  }
}
