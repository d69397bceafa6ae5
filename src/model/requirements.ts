/** What a check may need that not every scenario brings. */

export const REQUIREMENTS = ['ledger', 'reads', 'copies', 'partitions', 'probes', 'roles'] as const;

/**
 * - `ledger`: the workload accounts for its rows, so that the final reads tell what was lost. `reads`: it verifies what
 *   the load's own reads return too. `copies`: every copy of its rows can be read by itself. `partitions`: pgquake has
 *   placed its rows, so that it knows which of them fail together. `probes`: they are on. `roles`: the roles of the nodes
 *   move.
 */
export type Requirement = (typeof REQUIREMENTS)[number];

interface Words {
  /** What there would have to be. */
  readonly needs: string;
  /** How it is had. */
  readonly help: string;
}

const WORDS: Readonly<Record<Requirement, Words>> = {
  ledger: {
    needs: 'a workload that accounts for its rows',
    help: 'use: chat or use: ledger does; use: sql does with "verify"',
  },
  reads: { needs: 'a workload that verifies what its reads return', help: 'use: chat or use: ledger does' },
  copies: {
    needs: 'a workload whose rows can be read on every copy',
    help: 'use: chat or use: ledger has such rows; use: sql has with "verify", on a cluster with "members"',
  },
  partitions: { needs: 'a workload whose tables pgquake has made', help: 'use: chat or use: ledger has such tables' },
  probes: { needs: 'probes', help: 'leave out "probes: off"' },
  roles: { needs: 'a cluster whose roles move', help: 'a cluster with "members" is one' },
};

/** `it needs a workload that accounts for its rows; use: chat or ...`; `undefined` where nothing is missing. */
export function missingWords(required: readonly Requirement[], lacks: readonly Requirement[]): string | undefined {
  const missing = required.find((one) => lacks.includes(one));
  return missing && `it needs ${WORDS[missing].needs}; ${WORDS[missing].help}`;
}
