/** How benchmarks say what they measured: each figure beside its goal, and, where it is a ratio, its spread and its peer. */

import { appendFileSync } from 'node:fs';

export interface Figure {
  readonly what: string;
  readonly figure: number;
  /** The figure is to be at most this ... */
  readonly goal: number;
  /** ... or at least this. */
  readonly atLeast?: boolean;
  /** Least and most of the rounds whose median it is. */
  readonly spread?: readonly [least: number, most: number];
  /** Measured in the same run: what nothing of this kind can be better than. */
  readonly limit?: { readonly what: string; readonly figure: number };
}

/** A file for the figures, a line of JSON each; `main.ts` sets it. */
export const FIGURES_FILE = 'PGQUAKE_BENCH_FIGURES';

/** @param rounds one figure each; at least one. */
export function median(rounds: readonly number[]): number {
  const sorted = rounds.toSorted((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] as number) + (sorted[sorted.length >> 1] as number)) / 2;
}

/** The median of rounds with its spread. */
export function over(rounds: readonly number[]): Pick<Figure, 'figure' | 'spread'> {
  return { figure: median(rounds), spread: [Math.min(...rounds), Math.max(...rounds)] };
}

export const met = ({ figure, goal, atLeast = false }: Figure): boolean => (atLeast ? figure >= goal : figure <= goal);

export const shown = (figure: number): string => (Math.abs(figure) >= 100 ? figure.toFixed(0) : figure.toFixed(2));

/** Prints the figures, and makes the process fail where one misses its goal. */
export function closing(figures: readonly Figure[]): void {
  for (const one of figures) {
    const { what, figure, goal, atLeast = false, spread, limit } = one;
    if (!met(one)) process.exitCode = 1;
    const least = limit ? `; ${limit.what}: ${shown(limit.figure)}` : '';
    const between = spread ? `, ${spread.map(shown).join(' to ')}` : '';
    console.log(
      `${met(one) ? 'met   ' : 'MISSED'}  ${what}: ${shown(figure)}${between} (goal ${atLeast ? '>=' : '<='} ${goal})${least}`,
    );
    const file = process.env[FIGURES_FILE];
    if (file !== undefined) appendFileSync(file, `${JSON.stringify(one)}\n`);
  }
}
