/**
 * Torture: pgquake is killed with SIGKILL at random moments of a run with several faults at once; after
 * `pgquake heal` every process, segment and folder of the run must be gone.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { PHASES } from '../../src/model/event.ts';
import { seededIndex } from '../../src/plan/random.ts';
import { eventsIn, KilledRuns, LIMIT_PER_MOMENT_MS, lengthsIn } from '../support/killed-runs.ts';

type UsualMs = Readonly<Partial<Record<(typeof PHASES)[number], number>>>;

/** On a machine with little else to do. The short form spends no whole run on measuring them. */
const USUAL_MS: Readonly<Record<'local' | 'docker', UsualMs>> = {
  local: {
    provision: 500,
    form: 400,
    'steady-state': 300,
    fault: 2_200,
    settle: 300,
    'final-reads': 400,
    dispose: 200,
  },
  docker: { provision: 4_500, form: 500, ramp: 1_100, fault: 2_500 },
};
const MEASURED_FROM = 7;

/** PGQUAKE_TORTURE_SEED chooses the moments; `npm run torture` is the long form. */
const SEED = Number(process.env.PGQUAKE_TORTURE_SEED ?? 1);

export interface Torture {
  readonly on: 'local' | 'docker';
  /** How many; none skips the test. */
  readonly moments: number;
  /** Why it cannot run here. */
  readonly unavailable?: string | undefined;
  /** The cluster in the name of the test; that of the default scenario by default. */
  readonly cluster?: { readonly inWords: string; readonly scenario: string; readonly usualMs: UsualMs };
}

export function heals({ on, moments, unavailable, cluster }: Torture): void {
  test.skipIf(moments === 0 || unavailable !== undefined)(
    `platform ${on}: after kill -9 at any of ${moments} moments, heal leaves nothing of ${cluster?.inWords ?? 'the run'}`,
    async () => {
      using runs = new KilledRuns(on, cluster?.scenario);
      const usual = usualLengths(cluster?.usualMs ?? USUAL_MS[on]);
      const lengths = moments < MEASURED_FROM ? usual : await lengthsOfWhole(runs);
      const totalMs = lengths.reduce((sum, { lengthMs }) => sum + lengthMs, 0);
      const random = seededIndex(SEED);
      const hits = new Map<string, number>();
      let orphans = 0;
      for (let moment = 1; moment <= moments; moment++) {
        // Every other moment is one of a phase, in turn and the faults first: some are over in no time.
        const turn = lengths.findIndex(({ phase }) => phase === 'fault') + moment / 2 - 1;
        const chosen = moment % 2 === 0 ? lengths[turn % lengths.length] : undefined;
        const afterMs = random(Math.ceil(chosen?.lengthMs ?? totalMs) + 1);
        const { running, folder } = chosen
          ? await runs.startUntil('phase-started', chosen.phase)
          : await runs.startUntil('platform-chosen');
        await sleep(afterMs);
        running.kill('SIGKILL');
        await running.ended;

        const phase = eventsIn(folder).findLast((event) => event.type === 'phase-started')?.phase ?? 'before provision';
        hits.set(phase, (hits.get(phase) ?? 0) + 1);
        const orphaned = existsSync(join(folder, 'cluster.json'));

        const healed = await runs.heal();
        const when = `moment ${moment} of seed ${SEED}: ${afterMs} ms into ${chosen?.phase ?? 'the run'}, ${phase}`;
        const context = `${when}\n${healed.stdout}${healed.stderr}`;
        expect(healed.code, context).toBe(0);
        expect(await runs.remains(), context).toEqual([]);
        if (orphaned) {
          expect(eventsIn(folder).at(-1)?.type, context).toBe('reclaimed');
          orphans++;
        }
      }
      expect((await runs.heal()).stdout).toContain('nothing was left behind');
      // Nothing that was still under way has appeared since.
      expect(await runs.remains()).toEqual([]);
      const spread = [...hits].map(([phase, count]) => `${phase} ${count}`).join(', ');
      console.log(
        `torture on ${on}, ${cluster?.inWords ?? 'a run'}: ${moments} x kill -9, seed ${SEED}: ${orphans} clusters orphaned and removed, nothing left of any (killed in ${spread})`,
      );
      expect(orphans).toBeGreaterThan(0);
    },
    LIMIT_PER_MOMENT_MS * (moments + 1),
  );
}

interface PhaseLength {
  readonly phase: string;
  readonly lengthMs: number;
}

function usualLengths(usualMs: UsualMs): PhaseLength[] {
  return Object.entries(usualMs).map(([phase, lengthMs]) => ({ phase, lengthMs }));
}

/** Of a run that nobody disturbs. */
async function lengthsOfWhole(runs: KilledRuns): Promise<PhaseLength[]> {
  const whole = await runs.startUntil('platform-chosen');
  expect((await whole.running.ended).code).toBeLessThanOrEqual(2);
  const lengths = lengthsIn(whole.folder);
  expect(lengths.map(({ phase }) => phase)).toEqual(PHASES);
  return lengths;
}
