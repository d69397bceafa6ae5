/** A server that a test runs, in an inventory: at an IPv6 address, and with the catalogue of Citus. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { identity } from '../../src/platforms/local/account.ts';
import { Session } from '../../src/sql/session.ts';
import { initialise, untilAnswers } from '../support/bare-server.ts';
import { Workplace } from '../support/cli.ts';
import { freePort } from '../support/standing-pair.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

const UNDISTURBED = `name: six
summary: The server at an IPv6 address is measured, and nothing is broken.
cluster: { attach: uri.yaml }
workload: { use: ledger, read: { rate: 5/s }, scan: { rate: 1/s }, write: { rate: 5/s } }
probes: { rate: 5/s }
steady-state: { for: 1s }
faults: []
hypothesis: [{ check: no-lost-writes }]
`;

describe('a server that somebody else runs', () => {
  let place: Workplace;
  let server: ReturnType<typeof spawn>;
  let port: number;

  beforeAll(async () => {
    place = new Workplace();
    port = await freePort();
    const data = join(place.folder, 'data');
    const { postgres, account } = await initialise(
      data,
      `listen_addresses = '${hasIpv6 ? '127.0.0.1, ::1' : '127.0.0.1'}'\nport = ${port}`,
    );
    server = spawn(postgres, ['-D', data], { ...identity(account), cwd: '/', stdio: 'ignore' });
    await untilAnswers({ host: '127.0.0.1', port, user: 'app', password: '', database: 'postgres' });
  });

  afterAll(async () => {
    if (server) {
      const ended = once(server, 'exit');
      server.kill('SIGINT');
      await ended;
    }
    place?.[Symbol.dispose]();
  });

  test.skipIf(!hasIpv6).each([
    ['uri', () => `postgresql://app@[::1]:${port}/postgres`],
    ['words', () => `host=::1 port=${port} user=app dbname=postgres`],
  ])('at ::1 is looked at and measured by its %s, and shown in brackets', async (name, url) => {
    const file = `${name}.yaml`;
    const text = `name: six\nnodes: { one: { url: "${url()}", peer: "[::1]:${port}" } }\nroutes: { again: { url: "${url()}" } }\n`;
    writeFileSync(join(place.folder, file), text);
    const checked = await place.start(['attach', 'check', file]).ended;
    expect(checked.stderr).toBe('');
    expect(checked.code).toBe(0);
    expect(checked.stdout).toMatch(new RegExp(`^one +\\[::1\\]:${port} +its port accepts connections`, 'm'));
    if (name === 'words') return;
    const run = await place.start([place.scenario('six', UNDISTURBED), '--reports', place.reports]).ended;
    expect(run.stderr).toBe('');
    // On a busy machine it is not judged.
    expect([0, 2]).toContain(run.code);
    expect(readFileSync(join(place.reports, 'latest/report.json'), 'utf8')).toContain(`"[::1]:${port}"`);
    expect(place.report().results.find(({ check }) => check === 'no-lost-writes')).toMatchObject({ judgement: 'pass' });
  });

  test('with the catalogue of Citus tells its nodes, their placements, and those that the inventory does not name', async () => {
    const address = { host: '127.0.0.1', port, user: 'app', password: '', database: 'postgres' };
    const session = await Session.connect(address, { applicationName: 'test', connectTimeoutMs: 5_000 });
    // Its columns as Citus has them; here they are ordinary tables.
    await session.execute(`
      CREATE TABLE pg_dist_node (nodeid int, groupid int, nodename text, nodeport int, isactive bool);
      CREATE TABLE pg_dist_placement (placementid bigint, shardid bigint, shardstate int, shardlength bigint, groupid int);
      INSERT INTO pg_dist_node VALUES (1, 0, '127.0.0.1', ${port}, true), (2, 1, 'worker-1', 5432, true), (3, 2, 'worker-2', 5432, false);
      INSERT INTO pg_dist_placement SELECT i, i, 1, 0, 1 + i % 2 FROM generate_series(1, 7) AS i`);
    writeFileSync(
      join(place.folder, 'citus.yaml'),
      `name: citus\nnodes: { one: { url: "postgresql://app@127.0.0.1:${port}/postgres" } }\n`,
    );
    const text = await place.start(['attach', 'check', 'citus.yaml']).ended;
    const json = await place.start(['attach', 'check', 'citus.yaml', '--output', 'json']).ended;
    await session.execute('DROP TABLE pg_dist_node, pg_dist_placement');
    await session.close();
    expect(text.stdout).toContain(
      `citus lists  127.0.0.1:${port}, coordinator, 0 placements; worker-1:5432, worker, 3 placements; worker-2:5432, worker, not active, 4 placements\n`,
    );
    expect(text.stdout).toContain('citus has 3 placements on worker-1:5432, which the inventory does not have');
    expect(text.stdout).not.toContain(`on 127.0.0.1:${port}, which the inventory`);
    expect(JSON.parse(json.stdout).listed.nodes).toContainEqual({
      host: 'worker-2',
      port: 5432,
      role: 'worker, not active',
      placements: 4,
    });
  });
});
