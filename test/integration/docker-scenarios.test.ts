/**
 * The shipped scenarios on containers, from the command line to the reports. A worker that is cut off without a word is in
 * `local-network`, and who is cut off from whom on containers in the contract of networks.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Workplace } from '../support/cli.ts';
import { dockerMissing, projectOf, traces } from '../support/docker.ts';

const missing = await dockerMissing('test/integration/docker-scenarios.test.ts');
const env = { PGQUAKE_IMAGE: process.env.PGQUAKE_TEST_IMAGE };
/** Every room is read, though reads of dead shards wait. */
const FAULT_S: Readonly<Record<string, number>> = { 'three-workers': 7 };
const PROBES = 'probes: { rate: 15/s }\n';

describe.skipIf(missing !== undefined)('on containers', () => {
  let place: Workplace;

  beforeEach(() => {
    place = new Workplace('docker');
  });

  afterEach(() => {
    place[Symbol.dispose]();
  });

  /**
   * A shipped scenario, on containers, with its fault shortened, a smaller load and fewer probes, because containers share the processors
   * of the machine with the load: how it runs at full length is tested on the embedded cluster. @returns its path.
   */
  function onContainers(name: string, cluster = 'workers: 4, replication: 2, shards: 4'): string {
    const shipped = readFileSync(resolve(import.meta.dirname, `../../scenarios/${name}.yaml`), 'utf8');
    const text = shipped
      .replace(/^cluster: .*$/m, `cluster: { ${cluster}, platform: docker, engine: native }`)
      .replace(/(read: +\{ rate: )(?:200|100)\/s/, (_, key) => `${key}80/s`)
      .replace(/(scan: +\{ rate: )5\/s/, (_, key) => `${key}2/s`)
      .replace(/(write: +\{ rate: )(?:50|20)\/s/, (_, key) => `${key}10/s`)
      .replace(/^steady-state: .*$/m, `${shipped.includes('\nprobes:') ? '' : PROBES}steady-state: { for: 1s }`)
      .replace(/^( {2}- \{ fault: .*) for: \d+s \}$/m, `$1 for: ${FAULT_S[name] ?? 3}s }`);
    expect(text).not.toBe(shipped);
    return place.scenario(name, text);
  }

  test('primary-kill passes and leaves nothing: standbys from volume to volume, and an old primary is rewound', async () => {
    const shipped = readFileSync(resolve(import.meta.dirname, '../../scenarios/primary-kill.yaml'), 'utf8');
    const text = shipped
      .replace('promote-after: 1s }', 'promote-after: 1s, platform: docker }')
      // Containers share the processors of the machine with the load.
      .replace('rate: 200/s', 'rate: 50/s')
      .replace('rate: 50/s,  deadline: 2s }\n\n', 'rate: 20/s,  deadline: 2s }\n\n');
    expect(text).toMatch(/platform: docker.*read: .*50\/s.*write: .*20\/s/s);
    const { code, stdout, stderr } = await place.runJudged([place.scenario('primary-kill', text)], env);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    const [healed] = place.report().timeline.filter(({ type }) => type === 'healed');
    expect(healed).toMatchObject({ proof: expect.stringMatching(/streams from pg[23] with its own data rewound/) });
    expect(await traces(projectOf(place.runFolder()))).toEqual([]);
  });

  test.for(['control', 'three-workers'])('%s passes and leaves nothing', async (name) => {
    const { code, stdout, stderr } = await place.runJudged([onContainers(name)], env);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    expect(await traces(projectOf(place.runFolder()))).toEqual([]);
    expect(existsSync(join(place.runFolder(), 'logs/worker4.log'))).toBe(true);
  });

  test('one-worker-kill passes with 6 workers, each shard on 3', async () => {
    const scenario = onContainers('one-worker-kill', 'workers: 6, replication: 3, shards: 6');
    const { code, stdout, stderr } = await place.runJudged([scenario], env);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    expect(await traces(projectOf(place.runFolder()))).toEqual([]);
  });
});
