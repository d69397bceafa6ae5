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
describe.skipIf(missing !== undefined)('on containers', () => {
  let place: Workplace;

  beforeEach(() => {
    place = new Workplace('docker');
  });

  afterEach(() => {
    place[Symbol.dispose]();
  });

  /**
   * The shipped one with a smaller load and fewer probes, because containers share the processors of the machine with the
   * load: how it runs as it is is tested on the embedded cluster. @returns its path.
   */
  function threeWorkers(): string {
    const shipped = readFileSync(resolve(import.meta.dirname, '../../scenarios/three-workers.yaml'), 'utf8');
    const text = shipped
      .replace('cluster: { workers: 4,', 'cluster: { platform: docker, engine: native, workers: 4,')
      .replace('rate: 100/s', 'rate: 50/s')
      .replace('rate: 20/s', 'rate: 10/s')
      // Every room is read, though reads of dead shards wait.
      .replace('at: 0s, for: 6s', 'at: 0s, for: 7s')
      .replace('steady-state: { for: 2s }', 'probes: { rate: 10/s }\nsteady-state: { for: 1s }');
    expect(text).toMatch(/platform: docker.*50\/s.*10\/s.*probes: \{ rate: 10\/s.*for: 1s.*for: 7s/s);
    return place.scenario('three-workers', text);
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

  test('three-workers passes and leaves nothing; before they stop nothing fails', async () => {
    const { code, stdout, stderr } = await place.runJudged([threeWorkers()], env);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    const { figures, ledger } = place.report();
    const before = figures.availability.filter(({ span }) => span === 'steady-state');
    expect(before.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['read', 'scan', 'write']));
    for (const { figures: counts } of before) expect(counts.ok).toBe(counts.intended);
    expect(ledger).toMatchObject({ lost: { count: 0 }, duplicated: { count: 0 } });
    expect(await traces(projectOf(place.runFolder()))).toEqual([]);
    expect(existsSync(join(place.runFolder(), 'logs/worker4.log'))).toBe(true);
  });
});
