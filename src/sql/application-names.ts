/**
 * What the sessions of pgquake call themselves in `pg_stat_activity`. Two groups, because faults that strike clients
 * must tell them apart: what stands in for the users of the cluster, and what looks at it for pgquake.
 */

/** Stand in for users: the load, the probes, pressure. A fault that strikes clients strikes them. */
export const CLIENT_NAMES = {
  workload: 'pgquake-workload',
  probes: 'pgquake-probes',
  pressure: 'pgquake-pressure',
} as const;

/** Form, watch, read and heal: no fault on clients strikes them, or it would end what must see it. */
export const OBSERVER_NAMES = {
  fault: 'pgquake-fault',
  finalRead: 'pgquake-final-read',
  form: 'pgquake-form',
  healed: 'pgquake-healed',
  health: 'pgquake-health',
  inspect: 'pgquake-inspect',
  leftovers: 'pgquake-leftovers',
  observation: 'pgquake-observation',
  prove: 'pgquake-prove',
  provision: 'pgquake-provision',
  runner: 'pgquake-runner',
  standing: 'pgquake-standing',
  status: 'pgquake-status',
  witness: 'pgquake-witness',
} as const;

/** The names of sessions that faults hold: `pgquake-3f9a01c7-2`, the mark of their act. A PostgreSQL regular expression. */
export const ACT_MARKS = '^pgquake-[0-9a-f]{8}-[0-9]+$';
