/** The nodes of the picture: roles and states over time, and two primaries as a band across all nodes. */

import type { RoleStretch } from '../../measure/role-lanes.ts';
import { describeTwoPrimaries } from '../../measure/role-words.ts';
import { partsOutside } from '../../measure/time-ranges.ts';
import type { TwoPrimaries } from '../../model/figures.ts';
import { formatDuration, formatMoment } from '../../model/units.ts';
import { htmlText as text } from '../escape.ts';
import { number, roleWords } from '../report-words.ts';
import { BOLD_CHARACTER, CHARACTER, type Frame, type Part, px, ROW, rowLabel, stack, timeMark } from './drawing.ts';
import type { NodeState, NodeStrip, Timeline } from './timeline.ts';

const BANNER = 20;

export function nodesPart({ nodes, twoPrimaries }: Timeline, frame: Frame): Part {
  if (nodes.length === 0) return { height: 0, lines: [] };
  const rows = stack(nodes.map((strip) => nodeRow(strip, frame)));
  const bands = twoPrimaries.map((pair) =>
    timeMark(pair, frame.x, { name: 'two-primaries-band', y: 0, height: rows.height, told: toldOf(pair) }),
  );
  return stack([
    { height: rows.height, lines: [...rows.lines, ...bands] },
    twoPrimariesPart(twoPrimaries, frame),
    { height: 10, lines: [] },
  ]);
}

function nodeRow({ node, roles, states }: NodeStrip, { left, right, narrow, x }: Frame): Part {
  // A returning node is running and may be an unfenced primary, which is drawn above its state.
  const away = states.filter(({ state }) => state !== 'returning');
  const awake = roles.flatMap((stretch) =>
    stretch.role === 'primary' ? partsOutside(stretch, away).map((range) => ({ ...stretch, ...range })) : [],
  );
  const did = (stretch: RoleStretch, covering: readonly NodeState[]) => {
    const { role, fromMs, toMs } = stretch;
    const [full, short] = [roleWords(stretch), role];
    const told = `${node} ${full} from ${formatMoment(fromMs)} to ${formatMoment(toMs)}`;
    // Put the words where no state covers them.
    const startMs = covering.reduce((at, state) => (state.fromMs <= at && at < state.toMs ? state.toMs : at), fromMs);
    const endMs = covering.reduce((at, state) => (state.fromMs > startMs ? Math.min(at, state.fromMs) : at), toMs);
    const wide = x(endMs) - x(startMs);
    const words = [full, short].find((one) => wide >= one.length * CHARACTER + 6);
    return [
      timeMark(stretch, x, { name: role, data: ['role-of', node], y: 1, height: ROW - 2, told }),
      ...(words === undefined
        ? []
        : [`<text class="on-${role}" x="${px(x(startMs) + 3)}" y="11">${text(words)}</text>`]),
    ];
  };
  const shown = states.flatMap(({ state, fromMs, toMs }) => {
    const name = state === 'returning' ? 'returning' : 'down';
    const free = awake.reduce(
      (at, one) => (one.fromMs < toMs && one.toMs > fromMs ? Math.min(at, one.fromMs) : at),
      toMs,
    );
    const fits = x(free) - x(fromMs) >= state.length * CHARACTER + 6;
    const told = `${node} ${state} from ${formatMoment(fromMs)} to ${formatMoment(toMs)}`;
    return [
      timeMark({ fromMs, toMs }, x, { name, data: ['node', node], y: 1, height: ROW - 2, told }),
      ...(fits ? [`<text class="on-${name}" x="${px(x(fromMs) + 3)}" y="11">${text(state)}</text>`] : []),
    ];
  });
  return {
    height: ROW,
    lines: [
      rowLabel(node, left, narrow),
      `<rect class="up" x="${left}" width="${px(right - left)}" y="1" height="${ROW - 2}"/>`,
      ...roles.filter(({ role }) => role !== 'primary').flatMap((stretch) => did(stretch, states)),
      ...shown,
      ...awake.flatMap((stretch) => did(stretch, [])),
    ],
  };
}

function toldOf(pair: TwoPrimaries): string {
  return `two primaries ${describeTwoPrimaries(pair)}`;
}

/** When two nodes acknowledged writes: which, how long and at what cost; in words beside a mark that is too short. */
function twoPrimariesPart(pairs: readonly TwoPrimaries[], { left, right, narrow, x }: Frame): Part {
  if (pairs.length === 0) return { height: 0, lines: [] };
  const marks = pairs.flatMap((pair) => {
    const mark = timeMark(pair, x, { name: 'two-primaries', y: 1, height: BANNER - 2, told: toldOf(pair) });
    const [start, end] = [x(pair.fromMs), x(pair.toMs)];
    const alone = pairs.length === 1;
    for (const words of bannerWords(pair)) {
      const wide = words.length * BOLD_CHARACTER + 8;
      const write = (at: number, name: string) =>
        `<text class="${name} name" x="${px(at)}" y="14">${text(words)}</text>`;
      if (end - start >= wide) return [mark, write(start + 4, 'on-outage')];
      if (alone && start - wide >= left) return [mark, write(start - wide + 4, 'alarm')];
      if (alone && end + wide <= right) return [mark, write(end + 4, 'alarm')];
    }
    return [mark];
  });
  const ground = `<rect class="idle" x="${left}" width="${px(right - left)}" y="1" height="${BANNER - 2}"/>`;
  return {
    height: BANNER + 2,
    lines: [rowLabel(narrow ? '2 primaries' : 'two primaries', left, narrow, 14), ground, ...marks],
  };
}

/** From the longest text to the shortest. */
function bannerWords({ sides, atLeastMs, atMostMs }: TwoPrimaries): string[] {
  const who = sides.map(({ node }) => node).join(' and ');
  const long = atLeastMs > 0 ? formatDuration(atLeastMs) : `at most ${formatDuration(atMostMs)}`;
  const lost = sides.reduce((sum, side) => sum + (side.lost ?? 0), 0);
  const gone = lost > 0 ? `, ${number(lost)} acknowledged rows gone` : '';
  return [`TWO PRIMARIES ${long}: ${who}${gone}`, `TWO PRIMARIES ${long}`, long];
}
