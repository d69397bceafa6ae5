/** The words that scenarios may use in tests of the loader: the real variants, without the machines they run on. */

import { availability } from '../../src/checks/availability.ts';
import { messagesReadable } from '../../src/checks/messages-readable.ts';
import { noLostWrites } from '../../src/checks/no-lost-writes.ts';
import { noStaleReads } from '../../src/checks/no-stale-reads.ts';
import { prediction } from '../../src/checks/prediction.ts';
import { recoveryTime } from '../../src/checks/recovery-time.ts';
import { replicasAgree } from '../../src/checks/replicas-agree.ts';
import { nodeKill } from '../../src/faults/node-kill.ts';
import { nodePause } from '../../src/faults/node-pause.ts';
import { nodeStop } from '../../src/faults/node-stop.ts';
import type { ScenarioVocabulary } from '../../src/scenario/schema.ts';
import { chat } from '../../src/workloads/chat.ts';

export const vocabulary: ScenarioVocabulary = {
  faults: [nodeStop, nodeKill, nodePause],
  checks: [messagesReadable, availability, recoveryTime, noLostWrites, noStaleReads, replicasAgree, prediction],
  workloads: [chat],
  platforms: ['local', 'docker'],
  engines: ['native', 'citus'],
};
