/** The share of each kind of operation that must succeed before the first fault; for the guard and the judge. */
export const STEADY_SHARE = 0.9;
