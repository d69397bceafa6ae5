/** A cluster that pgquake has not made: a primary and a standby by Debian's own tools, described by an inventory. */

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seededIndex } from '../../src/plan/random.ts';
import { type Ended, Workplace } from '../support/cli.ts';
import { dockerMissing, EngineProxy, oneServer } from '../support/docker.ts';
import { type PairNode, StandingPair } from '../support/standing-pair.ts';

const missing = await dockerMissing('test/integration/attached.test.ts');

/** `npm run torture -- --inventory 25` is the long form. */
const MOMENTS = Number(process.env.PGQUAKE_TORTURE_INVENTORY_MOMENTS ?? 0);
const SEED = Number(process.env.PGQUAKE_TORTURE_SEED ?? 1);
/** From the choice of a platform to the end of a run. */
const RUN_MS = 20_000;

const OWN_STATEMENTS = `
workload:
  use: sql
  operations:
    - { name: place-order, sql: "INSERT INTO orders (id, customer) VALUES ($1, $2)", params: [uuid(), "uniform(1, 100)"], acknowledges: $1, rate: 20/s, deadline: 2s }
    - { name: read-orders, sql: "SELECT count(*) FROM orders WHERE customer = $1", params: ["uniform(1, 100)"], rate: 20/s, deadline: 2s }
    - { name: rename-customer, sql: "UPDATE customers SET name = $2 WHERE id = $1", params: ["uniform(1, 100)", "pick([Ada, Grace])"], rate: 10/s, deadline: 2s }
  verify: SELECT id FROM orders
`;

const PRIMARY_KILL = `name: own-primary-kill
summary: The primary is killed; nobody takes its place, and no acknowledged order is lost.
cluster: { attach: inventory.yaml, confirm: orders }
${OWN_STATEMENTS}
probes: { rate: 10/s }
steady-state: { for: 1s }
faults:
  - { fault: node-kill, target: { role: primary }, at: 0s, for: 2s }
settle: { within: 15s }
hypothesis:
  - { check: no-lost-writes }
  - { check: outage, of: place-order, max: 20s }
  - { check: healed }
`;

/** The same, with another fault and by another inventory. */
function bySsh(fault: string, { inventory = 'ssh.yaml', from }: { inventory?: string; from?: string } = {}): string {
  return PRIMARY_KILL.replace('own-primary-kill', `by-ssh-${fault}`)
    .replace('inventory.yaml', inventory)
    .replace('fault: node-kill,', `fault: ${fault},${from === undefined ? '' : ` from: ${from},`}`);
}

/** One fault after the other, each in another way. */
function tortured(way: 'ssh' | 'docker'): string {
  const cut = way === 'ssh' ? 'fault: network-drop, from: everybody,' : 'fault: network-disconnect,';
  return PRIMARY_KILL.replace('own-primary-kill', `tortured-by-${way}`)
    .replace('inventory.yaml', way === 'ssh' ? 'ssh.yaml' : 'inventory.yaml')
    .replace(
      /faults:[\s\S]*settle/,
      `faults:
  - { fault: node-kill, target: { role: primary }, at: 0s, for: 1s }
  - { fault: node-pause, target: { role: standby }, at: 4s, for: 1s }
  - { ${cut} target: { role: standby }, at: 8s, for: 1s }
settle`,
    );
}

function judgements(place: Workplace): Record<string, string> {
  return Object.fromEntries(place.report().results.map(({ check, judgement }) => [check, judgement]));
}

describe.skipIf(missing !== undefined)('a cluster of an inventory', () => {
  let pair: StandingPair;
  let place: Workplace;

  beforeAll(async () => {
    pair = await StandingPair.start();
    place = new Workplace();
    writeFileSync(join(place.folder, 'inventory.yaml'), pair.inventory());
    writeFileSync(join(place.folder, 'ssh.yaml'), pair.sshInventory());
    writeFileSync(join(place.folder, 'guest.yaml'), pair.sshInventory('guest'));
    await using session = await pair.connect(0);
    await session.execute(`CREATE TABLE orders (id uuid PRIMARY KEY, customer int NOT NULL);
      CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
      INSERT INTO customers SELECT i, 'a name' FROM generate_series(1, 100) AS i`);
  });

  afterAll(async () => {
    place?.[Symbol.dispose]();
    await pair?.[Symbol.asyncDispose]();
  });

  function pgquake(...args: string[]): Promise<Ended> {
    return place.start(args, env()).ended;
  }

  function env() {
    return { ORDERS_PASSWORD: pair.password };
  }

  /** Rows come and go; what is kept of them is not compared. */
  async function schema(): Promise<string> {
    return (await pair.dump()).replace(/^COPY [\s\S]*?^\\\.\r?$/gm, '');
  }

  test('is looked at, and nothing is written', async () => {
    const before = [await pair.dump(), await pair.written()];
    const { code, stdout, stderr } = await pgquake('attach', 'check', 'inventory.yaml');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect([await pair.dump(), await pair.written()]).toEqual(before);
    expect(stdout).toContain('orders  engine streaming, 2 nodes');
    expect(stdout).toMatch(/^first +127\.0\.0\.1:\d+ +container [0-9a-f]{12} running/m);
    expect(stdout).toMatch(/PostgreSQL 17\.\d+, primary, timeline 1, TLS/);
    expect(stdout).toMatch(/PostgreSQL 17\.\d+, standby, streaming, timeline 1, TLS/);
    expect(stdout).toMatch(/user app: no superuser, pg_monitor; clock [+-]\d+ ms/);
    expect(stdout).toMatch(/can be struck by +node-stop, node-kill, node-pause/);
    expect(stdout).toMatch(/cannot be struck by +read-only: the user app must be a superuser/);
    expect(stdout).toMatch(/cannot be struck by +switchover, promote: pgquake does not change roles/);
    expect(stdout).toMatch(/^scenarios that fit +.*primary-kill/m);
    expect(stdout).toMatch(/^attachable/m);
  });

  test('says each command of a run before anything is run', async () => {
    const before = await pair.dump();
    place.scenario('own-primary-kill', PRIMARY_KILL);
    const { code, stdout } = await pgquake('./own-primary-kill.yaml', '--dry-run');
    expect(code).toBe(0);
    const [first] = pair.nodes as [PairNode, PairNode];
    expect(stdout).toContain(`docker kill ${first.container}\n`);
    expect(stdout).toContain(`docker start ${first.container}    # 2 s later\n`);
    expect(stdout).toContain('DROP SCHEMA pgquake CASCADE');
    expect(await pair.dump()).toBe(before);
  });

  test('is described by init: by the labels of its Compose project, or by one of its servers', async () => {
    const before = await pair.dump();
    const [first, second] = pair.nodes as [PairNode, PairNode];
    const who = ['--user', 'app', '--database', 'orders', '--password-env', 'ORDERS_PASSWORD', '--name', 'orders'];
    const composed = await pgquake('init', 'composed', '--compose', pair.name, ...who);
    expect(composed.stderr).toBe('');
    expect(composed.code).toBe(0);
    expect(composed.stdout).toContain('inventory.yaml with 2 nodes: db-a, db-b');
    const written = readFileSync(join(place.folder, 'composed/inventory.yaml'), 'utf8');
    expect(written).toContain(`docker: ${first.container}`);
    expect(written).toContain(`docker: ${second.container}`);
    expect(written).not.toContain(pair.password);
    expect((await pgquake('attach', 'check', 'composed/inventory.yaml')).code).toBe(0);
    expect((await pgquake('./composed/first.yaml', '--dry-run')).stdout).toContain(`docker kill ${first.container}\n`);
    expect((await pgquake('init', 'composed', '--compose', pair.name, ...who)).code).toBe(3);
    const { address } = first;
    const url = `postgresql://app@${await pair.ip(0)}:${pair.insidePort}/${address.database}`;
    const found = await pgquake('init', 'found', '--url', url, '--docker', first.container, ...who.slice(4));
    expect(found.stderr).toBe('');
    expect(found.stdout).toMatch(/found the standby at .*; say in the inventory how it may be broken/);
    expect(found.stdout).toContain('with 2 nodes');
    expect(await pair.dump()).toBe(before);
  });

  test('is written to through a pooler that forgets prepared statements, and that is said', async () => {
    // The second look at a pool of one meets the connection on which the first has prepared a statement.
    for (const { size, looks } of [
      { size: 1, looks: 2 },
      { size: 20, looks: 1 },
    ]) {
      const inventory = `${pair.inventory()}routes: { pooler: { url: "${await pair.pooler(size)}" } }\n`;
      writeFileSync(join(place.folder, 'pooled.yaml'), inventory);
      for (let look = 0; look < looks; look++) {
        const { stdout } = await pgquake('attach', 'check', 'pooled.yaml');
        expect(stdout, `a pool of ${size}`).toContain('pooler is behind a pooler that forgets prepared statements');
      }
    }
    const pooled = PRIMARY_KILL.replace('own-primary-kill', 'through-pooler')
      .replace('inventory.yaml', 'pooled.yaml')
      .replaceAll(/rate: \d+\/s, deadline: 2s }/g, 'rate: 10/s, deadline: 2s, route: pooler }')
      .replace(/faults:[\s\S]*hypothesis:/, 'faults: []\nsettle: { within: 1s }\nhypothesis:')
      .replace('  - { check: healed }\n', '');
    const { code, stderr } = await pgquake(place.scenario('through-pooler', pooled), '--reports', place.reports);
    expect(stderr).toBe('');
    expect([0, 2]).toContain(code);
    const { figures } = place.report();
    expect(figures.errors.map(({ code: of }) => of).filter((of) => ['26000', '42P05'].includes(of))).toEqual([]);
    expect(figures.availability.every(({ figures: { ok } }) => ok > 0)).toBe(true);
  });

  test('is not struck where a connection string leads to another server than the container', async () => {
    const [first, second] = pair.nodes as [PairNode, PairNode];
    const crossed = pair
      .inventory()
      .replaceAll(/orders-\w+-db-[ab]/g, (name) => (name === first.container ? second.container : first.container));
    writeFileSync(join(place.folder, 'crossed.yaml'), crossed);
    const { code, stderr } = await pgquake('attach', 'check', 'crossed.yaml');
    expect(code).toBe(4);
    expect(stderr).toContain('does not run in the container');
  });

  test('names the nearest container where there is none of that name', async () => {
    const [first] = pair.nodes as [PairNode, PairNode];
    writeFileSync(
      join(place.folder, 'misspelt.yaml'),
      pair.inventory().replace(first.container, `${first.container}-1`),
    );
    const { code, stderr } = await pgquake('attach', 'check', 'misspelt.yaml');
    expect(code).toBe(4);
    expect(stderr).toMatch(new RegExp(`first: the Docker engine at \\S+ has no container ${first.container}-1;`));
    expect(stderr).toContain(`did you mean "${first.container}"?`);
  });

  test('whose port Docker chooses anew at every start is not stopped, for its clients would lose it', async () => {
    await using server = await oneServer();
    const { host, port, user, database, password } = server.address;
    const url = `postgresql://${user}@${host}:${port}/${database}`;
    const inventory = `name: by-chance\nnodes: { db: { url: "${url}", docker: ${server.id} } }\n`;
    writeFileSync(join(place.folder, 'by-chance.yaml'), inventory);
    const { stdout } = await place.start(['attach', 'check', 'by-chance.yaml'], { PGPASSWORD: password }).ended;
    expect(stdout).toMatch(
      new RegExp(
        `cannot be struck by +node-stop, node-kill.*: Docker would publish .* on another port than ${port} after a restart`,
      ),
    );
    expect(stdout).toMatch(/can be struck by +node-pause/);
  });

  test('is refused before anything starts what its user may not do', async () => {
    const readOnly = PRIMARY_KILL.replace('node-kill', 'read-only').replace('own-primary-kill', 'own-read-only');
    const { code, stderr } = await pgquake(place.scenario('own-read-only', readOnly), '--reports', place.reports);
    expect(code).toBe(4);
    expect(stderr).toContain('read-only cannot be done to first: the user app must be a superuser');
    expect(await pair.dump()).not.toContain('SCHEMA pgquake');
  });

  test('with a schema of that name is refused, and the schema stays', async () => {
    await using session = await pair.connect(0);
    await session.execute('CREATE SCHEMA pgquake; CREATE TABLE pgquake.mine (id int)');
    const { code, stderr } = await pgquake(
      place.scenario('own-primary-kill', PRIMARY_KILL),
      '--reports',
      place.reports,
    );
    expect(code).toBe(4);
    expect(stderr).toContain('the database already has a schema pgquake, which pgquake did not create');
    expect((await pgquake('attach', 'check', 'inventory.yaml')).stdout).toContain('already has a schema pgquake');
    expect(await pair.dump()).toContain('CREATE TABLE pgquake.mine');
    await session.execute('DROP SCHEMA pgquake CASCADE');
  });

  test('is healed and left as it was after pgquake was killed, and its run can be run again', async () => {
    const before = await schema();
    const child = place.start([place.scenario('own-primary-kill', PRIMARY_KILL), '--reports', place.reports], env());
    await untilStruck(child, place, 'own-primary-kill');
    child.kill('SIGKILL');
    await child.ended;
    expect((await pair.inspect(0)).State.Running).toBe(false);
    const healed = await pgquake('heal', '--reports', place.reports);
    expect(healed.stderr).toBe('');
    expect(healed.code).toBe(0);
    expect(healed.stdout).toMatch(/undone: first: .*, accepts SQL/);
    expect(await schema()).toBe(before);
    expect((await pgquake('heal', '--reports', place.reports)).stdout).toContain('nothing was left behind');
  });

  test('is watched: what a person does to it is told as an outage, and nobody has to confirm', async () => {
    const before = await schema();
    const [first, second] = pair.nodes as [PairNode, PairNode];
    // A person breaks it, so nothing but SQL is known of it; the second is reached over an engine of its own.
    await using proxy = new EngineProxy();
    await proxy.open();
    const watched = pair
      .inventory()
      .replace(`, docker: ${first.container}`, '')
      .replace(second.container, `{ container: ${second.container}, host: "${proxy.host}" }`);
    writeFileSync(join(place.folder, 'watched.yaml'), watched);
    const child = place.start(['watch', 'watched.yaml', '--for', '10s', '--reports', place.reports], env());
    await eventually(() => /"phase-started","phase":"fault"/.test(readEvents(place, 'watch-orders')));
    // Long enough for the load to be refused twice.
    await pair.restart(0, 2_000);
    const { code, stdout, stderr } = await child.ended;
    expect(stderr).toBe('');
    expect([0, 2]).toContain(code);
    expect(stdout).toMatch(/write .*\n +outage of /);
    // Said while it happens.
    expect(stdout).toMatch(/note +write is out: no success for about/);
    expect(stdout).toMatch(/note +write is served again, after about/);
    const { results, timeline } = place.report();
    expect(results.find(({ check }) => check === 'split-brain')).toMatchObject({ judgement: 'pass' });
    // Three scans, one in 5 s, have to be answered; those while people watched count.
    const [from = 0, to = 0] = timeline.flatMap((event) =>
      'phase' in event && event.phase === 'settle' ? [event.at] : [],
    );
    expect(to - from).toBeGreaterThan(0);
    expect(to - from).toBeLessThan(15_000);
    expect(await schema()).toBe(before);
  });

  test('whose nodes are services on machines is looked at by ssh, and says what its user lacks there', async () => {
    const before = await pair.dump();
    const { code, stdout, stderr } = await pgquake('attach', 'check', 'ssh.yaml');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^first +127\.0\.0\.1:\d+ +postgresql@17-orders on first-ops is active, process \d+ and \d+ children/m,
    );
    expect(stdout).toMatch(/can be struck by +node-stop, node-kill, node-pause, .*network-drop/);
    expect(stdout).toMatch(
      /cannot be struck by +.*cpu-throttle.*: by ssh pgquake can only stop, kill and freeze a service/,
    );
    const guest = await pgquake(place.scenario('by-guest', bySsh('node-kill', { inventory: 'guest.yaml' })));
    expect(guest.code).toBe(4);
    expect(guest.stderr).toMatch(
      /node-kill cannot be done to first: first-guest: sudo: .*; it needs systemd, and setsid, and sudo without a password/,
    );
    expect(await pair.dump()).toBe(before);
  });

  test('each command of a run by ssh is said before anything is run', async () => {
    const { code, stdout } = await pgquake(place.scenario('by-ssh-node-kill', bySsh('node-kill')), '--dry-run');
    expect(code).toBe(0);
    const there = `ssh -F '${pair.sshConfig}' first-ops`;
    const [kill, start] = ['kill --signal=SIGKILL', 'start --no-block'].map(
      (act) => `sudo -n systemctl ${act} '\\''postgresql@17-orders'\\''`,
    );
    expect(stdout).toContain(`  ${there} '${kill}; sudo -n systemctl stop --no-block`);
    expect(stdout).toContain(`  ${there} '${start}'    # 2 s later`);
    expect(stdout).toMatch(
      /first-ops 'setsid sh -c .*sleep 5; sudo -n systemctl start.*# undoes the act if pgquake is lost/,
    );
  });

  test('a machine that has lost pgquake undoes by itself what it suffers', async () => {
    const child = place.start(
      [place.scenario('by-ssh-node-pause', bySsh('node-pause')), '--reports', place.reports],
      env(),
    );
    await untilStruck(child, place, 'by-ssh-node-pause');
    child.kill('SIGKILL');
    await child.ended;
    const states = () => pair.run(0, 'ps -C postgres -o state= | sort -u');
    expect(await states()).toMatch(/^T\s*$/);
    const giveUpAt = performance.now() + 20_000;
    while ((await states()).includes('T') && performance.now() < giveUpAt) await sleep(500);
    expect(await states()).not.toContain('T');
    const healed = await pgquake('heal', '--reports', place.reports);
    expect(healed.stderr).toBe('');
    expect(healed.code).toBe(0);
    expect(await leftOn(0)).toBe('');
  });

  test('its packets are dropped by ssh, which stays open; heal takes the rules away after a kill', async () => {
    const before = await schema();
    const child = place.start(
      [place.scenario('by-ssh-network-drop', bySsh('network-drop', { from: 'everybody' })), '--reports', place.reports],
      env(),
    );
    await untilStruck(child, place, 'by-ssh-network-drop');
    const rules = await pair.run(0, 'iptables -S');
    expect(rules.match(/-A (IN|OUT)PUT .*pgquake-.* -j DROP/g)).toHaveLength(2);
    child.kill('SIGKILL');
    await child.ended;
    const healed = await pgquake('heal', '--reports', place.reports);
    expect(healed.stderr).toBe('');
    expect(healed.code).toBe(0);
    expect(await leftOn(0)).toBe('');
    expect(await schema()).toBe(before);
  });

  test.skipIf(MOMENTS === 0).each(['ssh', 'docker'] as const)(
    `after kill -9 at any of ${MOMENTS} moments of a run by %s, heal leaves all as it was`,
    async (way) => {
      const random = seededIndex(SEED);
      const scenario = place.scenario(`tortured-by-${way}`, tortured(way));
      const before = [await schema(), ...(await state())];
      for (let moment = 1; moment <= MOMENTS; moment++) {
        const child = place.start([scenario, '--reports', place.reports], env());
        await eventually(() => readEvents(place, `tortured-by-${way}`).includes('"platform-chosen"'));
        const afterMs = random(RUN_MS);
        await sleep(afterMs);
        child.kill('SIGKILL');
        await child.ended;
        const healed = await pgquake('heal', '--reports', place.reports);
        const context = `moment ${moment} of seed ${SEED}, ${afterMs} ms after the start\n${healed.stdout}${healed.stderr}`;
        expect(healed.code, context).toBe(0);
        expect([await schema(), ...(await state())], context).toEqual(before);
        expect(await leftOn(0), context).toBe('');
        expect(await leftOn(1), context).toBe('');
        for (const folder of readdirSync(place.reports)) rmSync(join(place.reports, folder), { recursive: true });
      }
    },
    MOMENTS * 90_000,
  );

  /** What a person would look at: both containers, as the engine describes them. */
  async function state(): Promise<unknown[]> {
    const seen = await Promise.all([pair.inspect(0), pair.inspect(1)]);
    return seen.map(({ State, HostConfig, NetworkSettings }) => [
      State.Status,
      HostConfig.RestartPolicy,
      HostConfig.NanoCpus,
      Object.keys(NetworkSettings.Networks),
    ]);
  }

  /** What there is of pgquake's on a machine: rules, processes. */
  function leftOn(node: number): Promise<string> {
    return pair.run(
      node,
      "iptables -S | grep pgquake; pgrep --full --list-full 'pgquake[-]switch'; ps -C postgres -o state= | grep T",
    );
  }

  test('from an empty folder, with the package alone: described, looked at, its primary killed twice, left as it was', async () => {
    using own = Workplace.installed();
    const newcomer = (...args: string[]) => own.start(args, env());
    const before = [await schema(), await customers(), ...(await state())];
    expect(before[0]).toContain('CREATE TABLE public.orders');
    const who = ['--user', 'app', '--database', 'orders', '--password-env', 'ORDERS_PASSWORD', '--name', 'orders'];
    expect((await newcomer('init', '--compose', pair.name, ...who).ended).stderr).toBe('');
    expect((await newcomer('attach', 'check', 'inventory.yaml').ended).code).toBe(0);
    writeFileSync(join(own.folder, 'ssh.yaml'), pair.sshInventory());
    expect((await newcomer('attach', 'check', 'ssh.yaml').ended).code).toBe(0);
    for (const [name, scenario] of [
      ['own-primary-kill', PRIMARY_KILL],
      ['by-ssh-node-kill', bySsh('node-kill')],
    ] as const) {
      own.scenario(name, scenario);
      const child = newcomer(`./${name}.yaml`, '--reports', own.reports);
      await untilStruck(child, own, name);
      // Somebody else looks.
      if (name === 'by-ssh-node-kill') expect(await pair.run(0, 'pgrep --count postgres')).toMatch(/^0\s*$/);
      else expect((await pair.inspect(0)).State.Running).toBe(false);
      const { code, stdout, stderr } = await child.ended;
      expect(stderr).toBe('');
      expect(stdout).toContain('detaching from the cluster orders, which keeps running');
      // On a busy machine nothing is held against the cluster; what is there is there all the same.
      expect([0, 2]).toContain(code);
      expect(judgements(own)).toMatchObject({ 'no-lost-writes': 'pass', healed: 'pass', 'fault-took-effect': 'pass' });
      expect([await schema(), await customers(), ...(await state())]).toEqual(before);
      expect(await leftOn(0)).toBe('');
    }
    expect(filesWith(own.reports, pair.password)).toEqual([]);
    expect((await pair.inspect(0)).HostConfig.RestartPolicy).toMatchObject({ Name: 'unless-stopped' });
  });

  /** The rows that nobody adds or takes away, as the user's own statements rename them. */
  async function customers(): Promise<unknown> {
    await using session = await pair.connect(0);
    return await session.query('SELECT id FROM customers ORDER BY id');
  }
});

/** Until the first fault of a run is in effect; a run that ends before says why. */
async function untilStruck(child: ReturnType<Workplace['start']>, place: Workplace, scenario: string): Promise<void> {
  let ended: Ended | undefined;
  void child.ended.then((how) => {
    ended = how;
  });
  await eventually(() => ended !== undefined || readEvents(place, scenario).includes('"fault-in-effect"'));
  if (!readEvents(place, scenario).includes('"fault-in-effect"')) {
    throw new Error(`the run ended with ${ended?.code} before its fault: ${ended?.stdout}${ended?.stderr}`);
  }
}

/** What the newest run of a scenario has recorded so far. */
function readEvents(place: Workplace, scenario: string): string {
  try {
    const folder = readdirSync(place.reports).findLast((name) => name.endsWith(scenario));
    return readFileSync(join(place.reports, folder as string, 'events.ndjson'), 'utf8');
  } catch {
    return '';
  }
}

async function eventually(holds: () => boolean, limitMs = 60_000): Promise<void> {
  const giveUpAt = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > giveUpAt) throw new Error(`not so after ${limitMs} ms`);
    await sleep(50);
  }
}

/** The files below a folder in which a text stands. */
function filesWith(folder: string, text: string): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.length).toBeGreaterThan(5);
  return files.map((entry) => join(entry.parentPath, entry.name)).filter((file) => readFileSync(file).includes(text));
}
