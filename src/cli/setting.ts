/** Which of the places that may set a value did: flag, environment, scenario, config file, default. Pure. */

export interface Setting {
  readonly name: string;
  readonly value: string;
  /** In words: `--seed`, `PGQUAKE_SEED`, `scenarios/mine.yaml`, `default`. */
  readonly from: string;
}

export interface Place {
  readonly from: string;
  /** Absent or empty where this place says nothing. */
  readonly value: string | number | undefined;
}

/** @param places in their order of precedence. @param fallback what counts where none of them says anything. */
export function settingOf(name: string, places: readonly Place[], fallback: string): Setting {
  const found = places.find(({ value }) => value !== undefined && value !== '');
  return found === undefined
    ? { name, value: fallback, from: 'default' }
    : { name, value: String(found.value), from: found.from };
}
