/** Finds the place that sets a value: flag, environment, scenario, config file or default. Pure. */

export interface Setting {
  readonly name: string;
  readonly value: string;
  /** The place in words: `--seed`, `PGQUAKE_SEED`, `scenarios/mine.yaml`, `default`. */
  readonly from: string;
}

export interface Place {
  readonly from: string;
  /** `undefined` or empty if this place does not set the value. */
  readonly value: string | number | undefined;
}

/** @param places in order of precedence. @param fallback the value if no place sets one. */
export function settingOf(name: string, places: readonly Place[], fallback: string): Setting {
  const found = places.find(({ value }) => value !== undefined && value !== '');
  return found === undefined
    ? { name, value: fallback, from: 'default' }
    : { name, value: String(found.value), from: found.from };
}
