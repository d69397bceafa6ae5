/** `timeline.svg`: the picture of a run, which `report.md` includes. */

import type { Report } from '../model/report.ts';
import type { Reporter } from './reporter.ts';
import { timelineSvg } from './timeline/svg.ts';
import { type Timeline, timelineOf } from './timeline/timeline.ts';

const WIDTH = 960;

export const TIMELINE_FILE = 'timeline.svg';

export const timeline: Reporter = {
  name: 'timeline',
  summary: 'timeline.svg, the picture of the run: load, latency, nodes, partitions, faults',
  render: (report) => {
    const picture = timelineOf(report);
    return picture ? { [TIMELINE_FILE]: draw(report, picture) } : {};
  },
};

function draw(report: Report, picture: Timeline): string {
  return timelineSvg(picture, {
    width: WIDTH,
    id: 'timeline',
    title: `Timeline of ${report.run.scenario}`,
    description: report.finding,
    standalone: true,
  });
}
