/** pgquake as a library: everything that the command line does, with your own variants. */

// A variant must write its parameters with the version of zod that pgquake uses.
export { z } from 'zod';
export type { Catalog } from './catalog.ts';
export { type Check, defineCheck, type ScenarioFacts } from './checks/check.ts';
export {
  type ClusterState,
  type ColumnSpec,
  type Dataset,
  defineEngine,
  type Engine,
  type Expectation,
  type FormedCluster,
  type FormOptions,
  type Loss,
  type PlacementSource,
  type Returning,
  type TableSpec,
} from './cluster/engine.ts';
export { type ClusterKeys, clusterKeys, type KeyProblem, type Makeup } from './cluster/keys.ts';
export type { FailoverStep, Manager } from './cluster/manager.ts';
export type { Capability, NodeControl, Nodes, Platform, ProvisionOptions } from './cluster/platform.ts';
export { directRoute, nodeRoute, type Route } from './cluster/route.ts';
export { defineConfig, loadConfig } from './config.ts';
export {
  defineFault,
  type Fault,
  type FaultContext,
  type Strike,
  type Undo,
  type UndoContext,
} from './faults/fault.ts';
export { findConfig } from './find-config.ts';
export type { Address } from './model/address.ts';
export { EnvironmentError, HarnessError, InputError, InterruptedError } from './model/errors.ts';
export type { ReadSummary, RunEvent, TimedEvent } from './model/event.ts';
export {
  eventsOf,
  type History,
  type Operation,
  type OperationKind,
  type Outcome,
  type RunInfo,
} from './model/history.ts';
export { formatKey, KeySet } from './model/key-ranges.ts';
export type { Lost, Taken } from './model/loss.ts';
export type { Plan } from './model/plan.ts';
export type { Promised, PromisedLoss, PromisedOutage, PromisedSpan } from './model/promise.ts';
export { bytes, duration, positiveDuration, rate, share } from './model/quantities.ts';
export type { Report } from './model/report.ts';
export type { Requirement } from './model/requirements.ts';
export type { MovingRole, Roles, SeenRole } from './model/roles.ts';
export type { Scenario } from './model/scenario.ts';
export type { NodeName, Partition, PartitionPrediction, PlacementMap, Topology } from './model/topology.ts';
export type { CheckResult, Finding, Judgement, Verdict } from './model/verdict.ts';
export type { Variants } from './own-variants.ts';
export { pgquake } from './pgquake.ts';
export type { Proof } from './plan/proof.ts';
export type { KeptProof, ProveOptions } from './prove.ts';
export type { Config, Experiment, ExperimentOptions, Quake } from './quake.ts';
export type { Reporter } from './reporters/reporter.ts';
export type { LeftBehind } from './run/left-behind.ts';
export type { RunListener } from './run/recorder.ts';
export { quoteName, quoteTable, quoteText, schemaOf } from './sql/quote.ts';
export { type Row, Session } from './sql/session.ts';
export { readRun, type StoredRun } from './store.ts';
export { pace, pacedKind } from './workloads/pace.ts';
export {
  defineWorkload,
  type Ledger,
  type Observed,
  type OperationRequest,
  type Workload,
  type WorkloadProblem,
  type WorkloadRun,
} from './workloads/workload.ts';
