/** pgquake as a library: run a scenario from code, and the contracts for variants of your own. */

export { type Check, defineCheck } from './checks/check.ts';
export type { Engine } from './cluster/engine.ts';
export type { NodeControl, Platform } from './cluster/platform.ts';
export { type Experiment, type ExperimentOptions, planOf, reportOn, runExperiment } from './experiment.ts';
export { defineFault, type Fault } from './faults/fault.ts';
export { EnvironmentError, HarnessError, InputError, InterruptedError } from './model/errors.ts';
export type { RunEvent, TimedEvent } from './model/event.ts';
export type { History, Operation, Outcome, RunInfo } from './model/history.ts';
export type { Report } from './model/report.ts';
export type { Scenario } from './model/scenario.ts';
export type { CheckResult, Finding, Judgement, Verdict } from './model/verdict.ts';
export type { RunListener } from './run/recorder.ts';
export { readRun, type StoredRun } from './store.ts';
export { defineWorkload, type Workload } from './workloads/workload.ts';
