/** What every engine promises, on the embedded cluster, and Citus on containers of an image that has it. */

import { describe } from 'vitest';
import { engineContract } from '../../src/contract.ts';
import { citus } from '../../src/engines/citus.ts';
import { native } from '../../src/engines/native.ts';
import { streaming } from '../../src/engines/streaming.ts';
import { docker } from '../../src/platforms/docker.ts';
import { local } from '../../src/platforms/local.ts';
import { sharded } from '../support/sharded.ts';
import { streamingTopology } from '../support/streaming-topology.ts';

const STREAMING = streamingTopology({ synchronous: 'on', promoteAfterMs: 1_000 });
const PARTITIONED = sharded({ workers: 3, replication: 2, partitions: 3 });

engineContract({ engine: native, platform: local, topology: PARTITIONED });

engineContract({ engine: streaming, platform: local, topology: STREAMING });

const image = process.env.PGQUAKE_CITUS_IMAGE;
describe.skipIf(image === undefined)('with PGQUAKE_CITUS_IMAGE', () => {
  if (image !== undefined) process.env.PGQUAKE_IMAGE = image;
  engineContract({ engine: citus, platform: docker, topology: PARTITIONED });
});
