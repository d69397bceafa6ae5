/** Of each kind of operation, the share that must succeed before anything is broken: for the guard as for the judge. */
export const STEADY_SHARE = 0.9;
