/**
 * The shipped variants, by kind, as one value. To ship one more, write its file and name it here: the scenario schema,
 * the commands, the docs test and the contract tests follow from this list. Only `pgquake.ts` reads it; everything
 * below receives a `Catalog`.
 */

import { availability } from './checks/availability.ts';
import type { Check } from './checks/check.ts';
import { contentIntact } from './checks/content-intact.ts';
import { failoverTime } from './checks/failover-time.ts';
import { faultTookEffect } from './checks/fault-took-effect.ts';
import { healed } from './checks/healed.ts';
import { hostKeptUp } from './checks/host-kept-up.ts';
import { latency } from './checks/latency.ts';
import { loadKeptItsSchedule } from './checks/load-kept-its-schedule.ts';
import { lostWrites } from './checks/lost-writes.ts';
import { messagesReadable } from './checks/messages-readable.ts';
import { noDuplicates } from './checks/no-duplicates.ts';
import { noLeftovers } from './checks/no-leftovers.ts';
import { noLostWrites } from './checks/no-lost-writes.ts';
import { noStaleReads } from './checks/no-stale-reads.ts';
import { noUnexpectedRows } from './checks/no-unexpected-rows.ts';
import { outage } from './checks/outage.ts';
import { prediction } from './checks/prediction.ts';
import { readsScale } from './checks/reads-scale.ts';
import { recoveryTime } from './checks/recovery-time.ts';
import { rejoined } from './checks/rejoined.ts';
import { replicasAgree } from './checks/replicas-agree.ts';
import { sessionGuarantees } from './checks/session-guarantees.ts';
import { splitBrain } from './checks/split-brain.ts';
import { storageOverhead } from './checks/storage-overhead.ts';
import { withinPromise } from './checks/within-promise.ts';
import { workersServe } from './checks/workers-serve.ts';
import type { Engine } from './cluster/engine.ts';
import type { InventoryPlatform, Platform } from './cluster/platform.ts';
import { citus } from './engines/citus.ts';
import { native } from './engines/native.ts';
import { patroni } from './engines/patroni.ts';
import { streaming } from './engines/streaming.ts';
import { agentKill } from './faults/agent-kill.ts';
import { agentPause } from './faults/agent-pause.ts';
import { backendKill } from './faults/backend-kill.ts';
import { backendTerminate } from './faults/backend-terminate.ts';
import { checkpointStorm } from './faults/checkpoint-storm.ts';
import { connectionReset } from './faults/connection-reset.ts';
import { connectionsExhaust } from './faults/connections-exhaust.ts';
import { cpuThrottle } from './faults/cpu-throttle.ts';
import { diskFull } from './faults/disk-full.ts';
import type { Fault } from './faults/fault.ts';
import { lockTable } from './faults/lock-table.ts';
import { managerPaused } from './faults/manager-paused.ts';
import { memoryLimit } from './faults/memory-limit.ts';
import { networkBandwidth } from './faults/network-bandwidth.ts';
import { networkDisconnect } from './faults/network-disconnect.ts';
import { networkDrop } from './faults/network-drop.ts';
import { networkLatency } from './faults/network-latency.ts';
import { networkLoss } from './faults/network-loss.ts';
import { networkReject } from './faults/network-reject.ts';
import { nodeFlap } from './faults/node-flap.ts';
import { nodeKill } from './faults/node-kill.ts';
import { nodePause } from './faults/node-pause.ts';
import { nodeRestart } from './faults/node-restart.ts';
import { nodeStop } from './faults/node-stop.ts';
import { postmasterPause } from './faults/postmaster-pause.ts';
import { promote } from './faults/promote.ts';
import { readOnly } from './faults/read-only.ts';
import { replicationPause } from './faults/replication-pause.ts';
import { rollingRestart } from './faults/rolling-restart.ts';
import { serverKill } from './faults/server-kill.ts';
import { serverPause } from './faults/server-pause.ts';
import { switchover } from './faults/switchover.ts';
import { attached } from './platforms/attached.ts';
import { docker } from './platforms/docker.ts';
import { local } from './platforms/local.ts';
import { badge } from './reporters/badge.ts';
import { htmlReport } from './reporters/html.ts';
import { json } from './reporters/json.ts';
import { junit } from './reporters/junit.ts';
import { markdown } from './reporters/markdown.ts';
import type { Reporter } from './reporters/reporter.ts';
import { timeline } from './reporters/timeline.ts';
import { bigScan } from './workloads/big-scan.ts';
import { chat } from './workloads/chat.ts';
import { ledger } from './workloads/ledger.ts';
import { sql } from './workloads/sql.ts';
import type { Workload } from './workloads/workload.ts';

export const faults: readonly Fault[] = [
  nodeStop,
  nodeKill,
  nodePause,
  nodeRestart,
  nodeFlap,
  rollingRestart,
  networkDisconnect,
  networkDrop,
  networkReject,
  networkLoss,
  networkLatency,
  networkBandwidth,
  connectionReset,
  cpuThrottle,
  memoryLimit,
  diskFull,
  backendKill,
  backendTerminate,
  connectionsExhaust,
  lockTable,
  readOnly,
  checkpointStorm,
  switchover,
  promote,
  replicationPause,
  agentKill,
  agentPause,
  serverKill,
  serverPause,
  postmasterPause,
  managerPaused,
];

export const checks: readonly Check[] = [
  messagesReadable,
  availability,
  outage,
  recoveryTime,
  latency,
  noLostWrites,
  lostWrites,
  failoverTime,
  splitBrain,
  withinPromise,
  rejoined,
  noLeftovers,
  noStaleReads,
  sessionGuarantees,
  noDuplicates,
  contentIntact,
  noUnexpectedRows,
  replicasAgree,
  prediction,
  workersServe,
  storageOverhead,
  readsScale,
  faultTookEffect,
  healed,
  loadKeptItsSchedule,
  hostKeptUp,
];

export const workloads: readonly Workload[] = [chat, ledger, sql, bigScan];

export const platforms: readonly Platform[] = [docker, local];

export const engines: readonly Engine[] = [citus, native, streaming, patroni];

export const reporters: readonly Reporter[] = [json, markdown, timeline, htmlReport, junit, badge];

/** All variants that one instance of pgquake knows. */
export interface Catalog {
  readonly faults: readonly Fault[];
  readonly checks: readonly Check[];
  /** A scenario that names no workload gets the first. */
  readonly workloads: readonly Workload[];
  /** In the order in which `auto` tries them. */
  readonly platforms: readonly Platform[];
  /** In the order in which `auto` tries them. */
  readonly engines: readonly Engine[];
  readonly reporters: readonly Reporter[];
  /** Attaches to existing clusters; creates none. */
  readonly inventory: InventoryPlatform;
}

export const shipped: Catalog = { faults, checks, workloads, platforms, engines, reporters, inventory: attached };

// These are not reporters: a reporter renders one run, these render all runs or a proof.
export { INDEX_MARK, indexPage } from './reporters/index-page.ts';
export { proofFiles } from './reporters/proof.ts';
