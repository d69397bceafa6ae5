/** What every fault promises, on every platform that offers it: it shows, its undo heals, twice is harmless. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { faults, platforms } from '../../src/catalog.ts';
import { cannotDo } from '../../src/choose.ts';
import { vocabulary } from '../../src/cli/vocabulary.ts';
import { sqlRefusal } from '../../src/cluster/health.ts';
import type { NodeControl, Nodes } from '../../src/cluster/platform.ts';
import { backendKill } from '../../src/faults/backend-kill.ts';
import { backendTerminate } from '../../src/faults/backend-terminate.ts';
import { checkpointStorm } from '../../src/faults/checkpoint-storm.ts';
import { defineFault, type Fault, type FaultContext, type Undo } from '../../src/faults/fault.ts';
import { lockTable } from '../../src/faults/lock-table.ts';
import { readOnly } from '../../src/faults/read-only.ts';
import { monotonicClock } from '../../src/model/clock.ts';
import { EnvironmentError, InterruptedError } from '../../src/model/errors.ts';
import type { TimedEvent } from '../../src/model/event.ts';
import type { PlannedAct } from '../../src/model/plan.ts';
import { pgquake } from '../../src/pgquake.ts';
import { undoAll } from '../../src/run/healing.ts';
import { Injector, newMark } from '../../src/run/injector.ts';
import { Recorder } from '../../src/run/recorder.ts';
import { UndoJournal } from '../../src/run/undo-journal.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { CLIENT_NAMES } from '../../src/sql/application-names.ts';
import { Session } from '../../src/sql/session.ts';
import { bareCluster } from '../support/bare-cluster.ts';
import { Clients, farMessages, type Kind, MESSAGES } from './clients.ts';
import { type Oracle, oracles } from './oracles.ts';

const never = new AbortController().signal;

interface StrikeOptions {
  readonly target?: NodeControl;
  /** Hears of the undo before it is remembered. */
  readonly defer?: FaultContext['defer'];
}

function connect(node: NodeControl): Promise<Session> {
  return Session.connect(node.address(), { applicationName: 'test', connectTimeoutMs: 5_000 });
}

async function ask(node: NodeControl, text: string) {
  await using session = await connect(node);
  return await session.query(text, [], { timeoutMs: 5_000 });
}

/** Over as soon as it has struck, so that what it did stays true. */
const isMomentary = ({ strikes, effect }: Fault) => strikes !== undefined && effect === undefined;

const NEXT_ATTEMPT_MS = 150;
/** For what a fault might have done before it named its undo to be seen. */
const UNDO_HEAD_START_MS = 150;

/** Until every kind of client was answered once. */
async function untilServed(clients: Clients, kinds: readonly Kind[]): Promise<void> {
  const limit = performance.now() + 5_000;
  while (!kinds.every((kind) => clients.of(kind).some(({ code }) => code === undefined))) {
    if (performance.now() > limit) throw new Error('the clients are not served');
    await sleep(10);
  }
}

/** Its parameters as they are where a scenario names none. */
function defaultsOf(fault: Fault): PlannedAct['params'] {
  return fault.params.parse({}) as PlannedAct['params'];
}

// Containers are made from the image that was built for the tests, where there is one.
process.env.PGQUAKE_IMAGE ??= process.env.PGQUAKE_TEST_IMAGE;

for (const platform of platforms) {
  const unavailable = (await platform.unavailable())?.message;
  const lacking = new Map<Fault, string | undefined>();
  for (const fault of faults) lacking.set(fault, unavailable ?? (await cannotDo(platform, fault)));
  describe.skipIf(unavailable !== undefined)(
    `on platform ${platform.name}${unavailable ? `: ${unavailable}` : ''}`,
    () => {
      let folder: string;
      let nodes: Nodes;
      let worker: NodeControl;
      let peer: NodeControl;

      beforeAll(async () => {
        folder = mkdtempSync(join(tmpdir(), 'pgquake-contract-'));
        nodes = await platform.provision({
          topology: { workers: 2, replication: 1, shards: 1 },
          // Few, because one fault takes them all.
          settings: { max_connections: '40' },
          sizedData: ['worker1'],
          runFolder: folder,
          needs: new Set(faults.flatMap(({ needs }) => needs)),
          signal: never,
        });
        worker = nodes.workers[0] as NodeControl;
        peer = nodes.workers[1] as NodeControl;
        for (const node of nodes.workers) await ask(node, MESSAGES);
        await using session = await connect(peer);
        await session.execute(farMessages(worker, peer), 10_000);
      });

      afterAll(async () => {
        await nodes?.dispose();
        rmSync(folder, { recursive: true, force: true });
      });

      /** Injects a schedule and returns what was recorded; of one act on one worker unless told otherwise. */
      async function inject(
        fault: Fault,
        options: {
          signal?: AbortSignal;
          forMs?: number;
          acts?: readonly PlannedAct[] | undefined;
          onEvent?: (event: TimedEvent) => void;
        } = {},
      ): Promise<TimedEvent[]> {
        const events: TimedEvent[] = [];
        const runFolder = mkdtempSync(join(folder, 'run-'));
        const clock = monotonicClock();
        using recorder = new Recorder(runFolder, clock, { load: [], probes: [] }, [
          {
            event: (event) => {
              events.push(event);
              options.onEvent?.(event);
            },
          },
        ]);
        using journal = new UndoJournal(runFolder);
        const injector = new Injector({
          nodes,
          cluster: bareCluster,
          faults: new Map([[fault.name, fault]]),
          journal,
          mark: newMark(),
          recorder,
          clock,
          signal: options.signal ?? never,
        });
        try {
          const { forMs = 200 } = options;
          const act = {
            index: 0,
            fault: fault.name,
            targets: [worker.name],
            atMs: 0,
            forMs,
            params: defaultsOf(fault),
          };
          await injector.run(options.acts ?? [act]);
        } catch (error) {
          if (!(error instanceof InterruptedError)) throw error;
        }
        expect(journal.pending()).toEqual([]);
        return events;
      }

      /** The first of the strikes of a fault that has an end of its own. */
      function firstStrike(fault: Fault): PlannedAct[] | undefined {
        const params = defaultsOf(fault);
        return fault
          .strikes?.([worker.name], params)
          .slice(0, 1)
          .map(({ targets, forMs }) => ({ index: 0, fault: fault.name, targets, atMs: 0, forMs, params }));
      }

      /** Strikes the worker without an injector. */
      function strike(fault: Fault, { target = worker, defer }: StrikeOptions = {}) {
        const undos: Undo[] = [];
        const held: AsyncDisposable[] = [];
        const mark = newMark();
        const context: FaultContext = {
          defer: async (undo) => {
            await defer?.(undo);
            undos.push(undo);
          },
          hold: (resource) => {
            held.push(resource);
            return resource;
          },
          mark,
          nodes: nodes.all,
          cluster: bareCluster,
          signal: never,
        };
        const injected: Promise<unknown> = fault.inject([target], defaultsOf(fault), context);
        const release = () => Promise.all(held.map((resource) => resource[Symbol.asyncDispose]()));
        /** Newest first, each of them as often as told. */
        const undo = async (times: number) => {
          const pending = undos.map((undo, id) => ({ id, act: 0, fault: fault.name, mark, undo })).reverse();
          const kept: number[] = [];
          const { failures, proofs } = await undoAll(Array.from({ length: times }, () => pending).flat(), {
            nodes: nodes.all,
            faults: new Map([[fault.name, fault]]),
            kept: (id) => kept.push(id),
          });
          expect(failures).toEqual([]);
          expect(kept).toHaveLength(times * undos.length);
          expect(proofs).toEqual([expect.stringMatching(`^${worker.name}: .*, accepts SQL$`)]);
          if (fault.needs.includes('resource-limits')) {
            const none = { cpuShare: Number.POSITIVE_INFINITY, memoryBytes: Number.POSITIVE_INFINITY };
            expect(await worker.resources?.seen()).toMatchObject(none);
          }
          if (!fault.needs.includes('network-rules')) return;
          expect(await worker.network?.rulesOf(mark)).toEqual([]);
          expect(await worker.network?.shapingOf(mark)).toBeUndefined();
        };
        const heal = async (times: number) => {
          await release();
          await undo(times);
        };
        return { injected, release, undo, heal };
      }

      async function expectHealthy(): Promise<void> {
        expect(await worker.state()).toBe('running');
        expect(await sqlRefusal(worker)).toBeUndefined();
        // Nothing of any act is left: no session, no lock, no setting.
        const sessions = `SELECT application_name FROM pg_stat_activity WHERE application_name ~ '^pgquake-[0-9a-f]{8}'`;
        expect(await ask(worker, sessions)).toEqual([]);
        await ask(worker, 'DO $$ BEGIN LOCK TABLE messages IN ACCESS EXCLUSIVE MODE NOWAIT; END $$');
        expect(await ask(worker, 'SHOW default_transaction_read_only')).toEqual([['off']]);
      }

      describe.each(faults.filter((fault) => lacking.get(fault) === undefined))('$name', (fault) => {
        const oracle = oracles[fault.name] as Oracle;

        /** Strikes under load. @returns what was recorded, and what the oracle saw beside it. */
        async function strikeUnderLoad(struck: Fault) {
          await using clients = new Clients(worker, peer, oracle.kinds);
          await untilServed(clients, oracle.kinds);
          let looked: Promise<string | undefined> | undefined;
          const look = ({ type }: TimedEvent) => {
            if (type === 'fault-in-effect') looked = oracle.looks?.(worker);
          };
          const events = await inject(struck, { forMs: oracle.forMs ?? 600, acts: firstStrike(fault), onEvent: look });
          // What is over at once is seen by the attempt after it.
          await sleep(NEXT_ATTEMPT_MS);
          const disturbed = (oracle.spared ?? []).filter((kind) =>
            clients.of(kind).some(({ code }) => code !== undefined),
          );
          const met = clients.attempts.filter(({ code }) => code !== undefined).slice(0, 5);
          return { events, disturbed, seen: (await looked) ?? oracle.sees(clients), met: JSON.stringify(met) };
        }

        test('is seen by somebody else, shows, and its undo heals', async () => {
          const { events, disturbed, seen, met } = await strikeUnderLoad(fault);
          const atEnd = fault.met ? ['fault-met'] : [];
          expect(events.map(({ type }) => type)).toEqual([
            'fault-asked',
            'fault-in-effect',
            ...atEnd,
            'heal-asked',
            'healed',
          ]);
          for (const event of events) {
            if (event.type === 'fault-met') expect(event.counts[worker.name]).toBeGreaterThan(0);
          }
          expect(seen, `the clients met ${met}`).toBeDefined();
          expect(disturbed).toEqual([]);
          await expectHealthy();
        });

        test('is not seen where the act is left out, whatever it says of itself', async () => {
          const idle = defineFault<PlannedAct['params'], undefined>({
            ...fault,
            inject: async () => undefined,
            prove: async () => 'in effect, it says',
            met: async () => ({ counts: { [worker.name]: 1 }, of: 'packets' }),
          });
          const { seen } = await strikeUnderLoad(idle);
          expect(seen).toBeUndefined();
        });

        test('names its undo before anybody could see it', async () => {
          await using clients = new Clients(worker, peer, oracle.kinds);
          await untilServed(clients, oracle.kinds);
          let seenBefore: string | undefined;
          const { injected, heal } = strike(fault, {
            defer: async () => {
              await sleep(UNDO_HEAD_START_MS);
              seenBefore ??= (await oracle.looks?.(worker)) ?? oracle.sees(clients);
            },
          });
          await injected;
          expect(seenBefore).toBeUndefined();
          await heal(1);
          await expectHealthy();
        });

        test('does nothing where its undo cannot be written down', async () => {
          const { injected, release } = strike(fault, {
            defer: async () => {
              throw new Error('the disk is full');
            },
          });
          await expect(injected).rejects.toThrow('the disk is full');
          await release();
          await expectHealthy();
        });

        test('undoing twice is harmless', async () => {
          const { injected, heal } = strike(fault);
          await injected;
          await heal(2);
          await expectHealthy();
        });

        test('a failure half-way still heals, and is told', async () => {
          const failing = defineFault({
            ...fault,
            async inject(targets, params, context) {
              await fault.inject(targets, params, context);
              throw new EnvironmentError('half-way', { code: 'test' });
            },
          });
          const events = await inject(failing);
          expect(events.map((event) => event.type)).toEqual(['fault-asked', 'fault-failed', 'heal-asked', 'healed']);
          await expectHealthy();
        });

        test('an abort heals at once', async () => {
          const controller = new AbortController();
          setTimeout(() => controller.abort(new InterruptedError('test', { code: 'interrupted' })), 700);
          const began = performance.now();
          const events = await inject(fault, { signal: controller.signal, forMs: 60_000 });
          expect(performance.now() - began).toBeLessThan(30_000);
          expect(events.at(-1)?.type).toBe('healed');
          await expectHealthy();
        });

        test.skipIf(!fault.strikes)('strikes one after the other, each once the one before is healed', async () => {
          const scenario = parseScenario(
            `name: some\nsummary: Some.\ncluster: { workers: 2, replication: 1, shards: 1 }\nfaults: [{ fault: ${fault.name}, target: [worker1, worker2] }]\nhypothesis: [{ check: no-lost-writes }]\n`,
            'some.yaml',
            vocabulary,
          );
          const { acts } = pgquake().plan(scenario, { seed: 1 });
          await using clients = new Clients(worker, peer, ['ping']);
          await using others = new Clients(peer, worker, ['ping']);
          await Promise.all([untilServed(clients, ['ping']), untilServed(others, ['ping'])]);
          const events = await inject(fault, { acts });
          expect(events.map((event) => event.type)).toEqual(
            acts.flatMap(() => ['fault-asked', 'fault-in-effect', 'heal-asked', 'healed']),
          );
          expect(events.flatMap((event) => ('act' in event ? [event.act] : []))).toEqual(
            acts.flatMap(({ index }) => [index, index, index, index]),
          );
          for (const { index, after } of acts) {
            const asked = events.find((event) => event.type === 'fault-asked' && event.act === index);
            const healed = events.find((event) => event.type === 'healed' && event.act === after?.act);
            if (after) expect((asked?.at ?? 0) - (healed?.at ?? Infinity)).toBeGreaterThanOrEqual(after.gapMs - 1);
          }
          for (const node of nodes.workers) expect(await sqlRefusal(node)).toBeUndefined();
        });

        test.skipIf(isMomentary(fault))('does not prove itself on a healthy node', async () => {
          const { injected, heal } = strike(fault);
          const evidence = await injected;
          await heal(1);
          await expect(fault.prove([worker], defaultsOf(fault), evidence)).rejects.toThrow(EnvironmentError);
        });
      });

      // As after a crash of the process that held them, as far as the undo can tell.
      test.each<Fault>([lockTable, checkpointStorm])(
        '$name: its undo ends sessions that nobody closed',
        async (fault) => {
          const { injected, undo } = strike(fault);
          await injected;
          await undo(1);
          await expectHealthy();
        },
      );

      test('read-only: its undo puts back what stood there', async () => {
        await ask(worker, 'ALTER SYSTEM SET default_transaction_read_only = false');
        const { injected, heal } = strike(readOnly);
        await injected;
        await heal(2);
        const written = `SELECT setting, sourcefile FROM pg_file_settings WHERE name = 'default_transaction_read_only'`;
        expect(await ask(worker, written)).toEqual([['false', expect.stringMatching(/postgresql\.auto\.conf$/)]]);
        await ask(worker, 'ALTER SYSTEM RESET default_transaction_read_only');
        await expectHealthy();
      });

      test('backend-kill: no proof while its witness lives', async () => {
        const options = { applicationName: 'test', connectTimeoutMs: 5_000 };
        await using witness = await Session.connect(worker.address(), options);
        await expect(
          backendKill.prove([worker], defaultsOf(backendKill) as never, [{ pid: 1, witness }]),
        ).rejects.toThrow(/lived on/);
      });

      test('backend-terminate: no proof while a session that was told to end lives, or where there was none', async () => {
        const options = { applicationName: CLIENT_NAMES.workload, connectTimeoutMs: 5_000 };
        await using client = await Session.connect(worker.address(), options);
        const [row] = await client.query(
          'SELECT pid, backend_start::text, application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()',
        );
        const told = { pid: Number(row?.[0]), since: String(row?.[1]), name: String(row?.[2]) };
        const params = defaultsOf(backendTerminate) as never;
        await expect(backendTerminate.prove([worker], params, [[told]])).rejects.toThrow('1 of 1 sessions live on');
        await expect(backendTerminate.prove([worker], params, [[]])).rejects.toThrow('no client had a session');
      });

      test('the journal of a run that healed is closed on disk', async () => {
        const [fault] = faults;
        const earlier = readdirSync(folder);
        await inject(fault as Fault);
        const [run] = readdirSync(folder).filter((name) => name.startsWith('run-') && !earlier.includes(name));
        const lines = readFileSync(join(folder, run as string, 'undo.ndjson'), 'utf8')
          .trim()
          .split('\n');
        expect(lines.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual(['promised', 'kept']);
      });
    },
  );
}
