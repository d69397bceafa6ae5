/** How benchmarks say what they measured: each figure beside its goal. */

export interface Figure {
  readonly what: string;
  readonly figure: number;
  /** The figure is to be at most this ... */
  readonly goal: number;
  /** ... or at least this. */
  readonly atLeast?: boolean;
}

/** Prints the figures, and makes the process fail where one misses its goal. */
export function closing(figures: readonly Figure[]): void {
  for (const { what, figure, goal, atLeast = false } of figures) {
    const met = atLeast ? figure >= goal : figure <= goal;
    if (!met) process.exitCode = 1;
    const shown = figure >= 100 ? figure.toFixed(0) : figure.toFixed(2);
    console.log(`${met ? 'met   ' : 'MISSED'}  ${what}: ${shown} (goal ${atLeast ? '>=' : '<='} ${goal})`);
  }
}
