/** What a check may require that not every scenario has. */

export const REQUIREMENTS = ['ledger', 'reads', 'copies', 'partitions', 'probes', 'roles'] as const;

/**
 * - `ledger`: the workload accounts for its rows, so the final reads show what was lost. `reads`: it also verifies what
 *   the load's reads return. `copies`: pgquake can read each copy of its rows separately. `partitions`: pgquake placed
 *   its rows, so it knows which of them fail together. `probes`: probes are on. `roles`: the roles of the nodes move.
 */
export type Requirement = (typeof REQUIREMENTS)[number];

interface Words {
  /** What is missing, with its article. */
  readonly needs: string;
  /** How to get it. */
  readonly help: string;
}

const WORDS: Readonly<Record<Requirement, Words>> = {
  ledger: {
    needs: 'a workload that accounts for its rows',
    help: 'choose use: chat, use: ledger, or use: sql with "verify"',
  },
  reads: { needs: 'a workload that verifies what its reads return', help: 'choose use: chat or use: ledger' },
  copies: {
    needs: 'a workload whose rows can be read on every copy',
    help: 'choose use: chat, use: ledger, or use: sql with "verify" on a cluster with "members"',
  },
  partitions: { needs: 'a workload whose tables pgquake creates', help: 'choose use: chat or use: ledger' },
  probes: { needs: 'probes', help: 'remove "probes: off"' },
  roles: { needs: 'a cluster whose roles move', help: 'choose a cluster with "members"' },
};

/** `it needs a workload that accounts for its rows; use: chat or ...`; `undefined` if nothing is missing. */
export function missingWords(required: readonly Requirement[], lacks: readonly Requirement[]): string | undefined {
  const missing = required.find((one) => lacks.includes(one));
  return missing && `it needs ${WORDS[missing].needs}; ${WORDS[missing].help}`;
}
