/**
 * The application names of pgquake's sessions in `pg_stat_activity`, in two groups, because faults that strike clients
 * must spare pgquake's own observers.
 */

/** Sessions that act as users; faults on clients strike them. */
export const CLIENT_NAMES = {
  workload: 'pgquake-workload',
  probes: 'pgquake-probes',
  pressure: 'pgquake-pressure',
} as const;

/** Sessions that form, watch, read and heal; no fault on clients strikes them, because they must see it. */
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

/**
 * The names of sessions that faults hold, the mark of the act: `pgquake-3f9a01c7-2`. A PostgreSQL regular expression.
 */
export const ACT_MARKS = '^pgquake-[0-9a-f]{8}-[0-9]+$';
