/** The last figures of each benchmark, from which the table of docs/performance.md is made. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from './figures.ts';
import type { MachineState } from './machine.ts';

/** No figure is better than that. */
const DIGITS = 4;
const FILE = join(import.meta.dirname, 'recorded.json');

export interface Recorded {
  /** The benchmark's. */
  readonly name: string;
  /** The day, such as 2026-11-28. */
  readonly measuredOn: string;
  readonly figures: readonly Figure[];
  readonly state: MachineState;
}

export function recorded(): Recorded[] {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8')) as Recorded[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** In the place of what was recorded of it before. */
export function record(one: Recorded): void {
  const others = recorded().filter(({ name }) => name !== one.name);
  const all = [...others, one].toSorted((a, b) => a.name.localeCompare(b.name));
  const rounded = (_: string, value: unknown) =>
    typeof value === 'number' ? Number(value.toPrecision(DIGITS)) : value;
  writeFileSync(FILE, `${JSON.stringify(all, rounded, 2)}\n`);
}
