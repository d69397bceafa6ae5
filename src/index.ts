/** pgquake as a library: everything that the command line can do, with variants of your own. */

// The parameters of a variant are a schema of pgquake's own version of zod.
export { z } from 'zod';
export type { Catalog } from './catalog.ts';
export { type Check, defineCheck } from './checks/check.ts';
export { defineEngine, type Engine } from './cluster/engine.ts';
export type { NodeControl, Platform } from './cluster/platform.ts';
export { defineConfig, findConfig, loadConfig } from './config.ts';
export { defineFault, type Fault } from './faults/fault.ts';
export { EnvironmentError, HarnessError, InputError, InterruptedError } from './model/errors.ts';
export type { RunEvent, TimedEvent } from './model/event.ts';
export type { History, Operation, Outcome, RunInfo } from './model/history.ts';
export type { Plan } from './model/plan.ts';
export type { Report } from './model/report.ts';
export type { Scenario } from './model/scenario.ts';
export type { CheckResult, Finding, Judgement, Verdict } from './model/verdict.ts';
export type { Variants } from './own-variants.ts';
export { pgquake } from './pgquake.ts';
export type { Proof } from './plan/proof.ts';
export type { KeptProof, ProveOptions } from './prove.ts';
export type { Config, Experiment, ExperimentOptions, Quake } from './quake.ts';
export type { Reporter } from './reporters/reporter.ts';
export type { LeftBehind } from './run/left-behind.ts';
export type { RunListener } from './run/recorder.ts';
export { readRun, type StoredRun } from './store.ts';
export { defineWorkload, type Workload } from './workloads/workload.ts';
