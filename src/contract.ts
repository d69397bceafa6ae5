/** `pgquake/contract`: what every variant must do, as vitest suites. The shipped variants pass them too. */

export type { Attempt, Clients, Kind } from './contract/clients.ts';
export { type EngineContract, engineContract } from './contract/engine.ts';
export { type FaultCase, type FaultContract, faultContract } from './contract/fault.ts';
export type { FaultBench, InjectOptions, RoleCluster } from './contract/fault-bench.ts';
export type { Oracle } from './contract/oracle.ts';
export { type PlatformContract, platformContract } from './contract/platform.ts';
export { type WorkloadContract, workloadContract } from './contract/workload.ts';
