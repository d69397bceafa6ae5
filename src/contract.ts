/**
 * What every variant promises, as suites that vitest runs, exported as `pgquake/contract`. The shipped variants run the
 * same ones.
 */

export { type PlatformContract, platformContract } from './contract/platform.ts';
