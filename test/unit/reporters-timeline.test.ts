/** The picture of a run: every mark is where its event is, and nobody's text becomes markup. */

import { describe, expect, test } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import type { SecondFigures } from '../../src/model/figures.ts';
import type { Report } from '../../src/model/report.ts';
import { timelineSvg } from '../../src/reporters/timeline/svg.ts';
import { timelineOf } from '../../src/reporters/timeline/timeline.ts';
import { timeline } from '../../src/reporters/timeline.ts';
import { emptyReport, failedReport, hostileReport, passedReport } from '../support/sample-report.ts';
import { ring } from '../support/sharded.ts';

const svg = (report: Report) => timeline.render(report)['timeline.svg'] as string;

interface Mark {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly x: number;
  readonly width: number;
}

/** The rectangles that stand for a stretch of time, but for the axis. */
function marks(picture: string): Mark[] {
  return [...picture.matchAll(/<rect class="([\w-]+)"[^>]* data-from-ms="[^>]*>/g)].map(([tag, name]) => {
    const number = (attribute: string) => Number(new RegExp(` ${attribute}="([^"]*)"`).exec(tag)?.[1]);
    const [fromMs, toMs] = [number('data-from-ms'), number('data-to-ms')];
    return { name: name as string, fromMs, toMs, x: number('x'), width: number('width') };
  });
}

/** A report with load in every second of its spans. */
function withSeconds(report: Report, change: (second: SecondFigures) => Partial<SecondFigures> = () => ({})): Report {
  const seconds = Array.from({ length: 13 }, (_, i) => i + 2).flatMap((second) =>
    report.run.kinds.map(({ name, ratePerSecond }) => {
      const regular = { second, kind: name, ok: ratePerSecond, failed: 0, p50Ms: 1, p99Ms: 3, maxMs: 9 };
      return { ...regular, ...change(regular) };
    }),
  );
  return { ...report, figures: { ...report.figures, seconds } };
}

describe('timeline.svg', () => {
  test.each(Object.entries({ passedReport, failedReport, hostileReport }))(
    'of %s is well-formed',
    async (_, report) => {
      const picture = svg(report);
      expect(
        (await validateXML({ xml: [{ fileName: 'timeline.svg', contents: picture }], schema: [ANY] })).errors,
      ).toEqual([]);
      expect(picture).not.toMatch(/NaN|Infinity|undefined|null/);
    },
  );

  test('leaves out a second after the end of the load', () => {
    const { figures, ...rest } = withSeconds(passedReport);
    const [one] = figures.seconds;
    const seconds = [...figures.seconds, { ...(one as SecondFigures), second: 1e13 }];
    expect(svg({ ...rest, figures: { ...figures, seconds } })).toBe(svg({ ...rest, figures }));
  });

  test('is not made of a run without load', () => {
    expect(timeline.render(emptyReport)).toEqual({});
  });

  test('marks faults from the moment in effect, and windows, at their place on the axis', () => {
    const picture = svg(failedReport);
    const axis = (name: string) => Number(new RegExp(` data-${name}="([^"]*)"`).exec(picture)?.[1]);
    const at = (moment: number) =>
      axis('left') + ((moment - axis('from-ms')) / (axis('to-ms') - axis('from-ms'))) * (axis('right') - axis('left'));
    const all = marks(picture);
    expect(all.filter(({ name }) => name === 'fault')).toMatchObject([{ fromMs: 4_229.8, toMs: 12_230.1 }]);
    const outages = all.filter(({ name }) => name === 'outage').map(({ fromMs, toMs }) => [fromMs, toMs]);
    expect(outages).toEqual(Array(5).fill([4_110, 12_390]));
    expect(all.length).toBeGreaterThan(10);
    for (const { fromMs, toMs, x, width } of all) {
      expect(x).toBeCloseTo(at(fromMs), 0);
      expect(Math.abs(width - (at(toMs) - at(fromMs)))).toBeLessThan(1.6);
    }
    expect(picture).toContain('>outage 8.28 s ± 200 ms</text>');
  });

  test('shows the state of each node that was struck, and of no other', () => {
    const states = timelineOf(passedReport)?.nodes.flatMap(({ node, states }) =>
      states.map((one) => ({ node, ...one })),
    );
    expect(states).toEqual([
      { node: 'worker1', state: 'stopped', fromMs: 4_129.8, toMs: 12_130.1 },
      { node: 'worker1', state: 'returning', fromMs: 12_130.1, toMs: 12_411.9 },
    ]);
    // As runs of earlier versions recorded it, without a word of the fault's own.
    const restarted = passedReport.timeline.map((event) => {
      if (event.type !== 'fault-asked') return event;
      const { state: _, ...earlier } = event;
      return { ...earlier, fault: 'node-restart', effect: 'down' as const };
    });
    const strip = timelineOf({ ...passedReport, timeline: restarted })?.nodes.find(({ node }) => node === 'worker1');
    expect(strip?.states.map(({ state }) => state)).toEqual(['down', 'returning']);
    const failed = timelineOf(failedReport)?.nodes.find(({ node }) => node === 'worker3')?.states;
    expect(failed?.map(({ state }) => state)).toEqual(['stopped', 'not healed']);
  });

  test('counts in the buckets are those of the report, and rates never exceed the schedule', () => {
    const report = withSeconds(passedReport, ({ second, ok }) => (second === 7 ? { ok: 0, failed: ok } : {}));
    for (const { kind, ratePerSecond, buckets } of timelineOf(report)?.kinds ?? []) {
      const seconds = report.figures.seconds.filter((second) => second.kind === kind);
      expect(buckets.map(({ ok, failed }) => [ok, failed])).toEqual(seconds.map(({ ok, failed }) => [ok, failed]));
      for (const { okPerSecond, failedPerSecond } of buckets) {
        expect(okPerSecond + failedPerSecond).toBeLessThanOrEqual(ratePerSecond + 1e-6);
      }
      expect(buckets[5]).toMatchObject({ fromMs: 7_000, toMs: 8_000, okPerSecond: 0, failedPerSecond: ratePerSecond });
    }
  });

  test('the last bucket is as long as its load, so that the end of the load is no dip', () => {
    const report = withSeconds(passedReport, ({ second, ok }) => (second === 14 ? { ok: ok / 4 } : {}));
    const last = timelineOf(report)?.kinds[0]?.buckets.at(-1);
    expect(last).toMatchObject({ fromMs: 14_000, toMs: 14_250, okPerSecond: 200 });
  });

  test('an hour of load becomes buckets that say the worst of their seconds, and a small file', () => {
    const settle = { fromMs: 12_130.1, toMs: 3_600_000 };
    const seconds = Array.from({ length: 3_598 }, (_, i) => i + 2).flatMap((second) =>
      passedReport.run.kinds.map(({ name, ratePerSecond }) => ({
        second,
        kind: name,
        ok: ratePerSecond,
        failed: 0,
        p50Ms: 1,
        p99Ms: 3,
        maxMs: second === 1_000 ? 777 : 9,
      })),
    );
    const { figures } = passedReport;
    const report = { ...passedReport, figures: { ...figures, seconds, spans: { ...figures.spans, settle } } };
    const built = timelineOf(report);
    expect(built?.secondsPerBucket).toBe(9);
    const peak = built?.kinds[0]?.buckets.filter(({ maxMs }) => maxMs === 777);
    expect(peak).toMatchObject([{ fromMs: 999_000, toMs: 1_008_000, p99Ms: 3 }]);
    expect(svg(report).length).toBeLessThan(150_000);
  });

  test('of many shards those that were disturbed are shown', () => {
    const placement = ring({ workers: 40, replication: 2, partitions: 40 });
    const [window] = failedReport.figures.windows.filter(({ partition }) => partition === 'B');
    const windows = [{ ...(window as NonNullable<typeof window>), partition: 'AC' }];
    const built = timelineOf({ ...failedReport, placement, figures: { ...failedReport.figures, windows } });
    expect(built?.partitions.map(({ partition }) => partition)).toEqual(['AC']);
    expect(built?.partitionsLeftOut).toBe(39);
  });

  test('hostile text is shown and does nothing', () => {
    const picture = svg(hostileReport);
    expect(picture).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    const tags = new Set([...picture.matchAll(/<\/?([a-z]+)/gi)].map(([, tag]) => tag));
    expect([...tags].sort()).toEqual(['desc', 'g', 'path', 'rect', 'style', 'svg', 'text', 'title']);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    expect(picture).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  test.each([320, 640, 960])('stays within %i pixels', (width) => {
    const built = timelineOf(failedReport) as NonNullable<ReturnType<typeof timelineOf>>;
    const picture = timelineSvg(built, { width, id: 'x', title: 't', description: 'd', standalone: false });
    for (const mark of marks(picture)) {
      expect(mark.x).toBeGreaterThanOrEqual(0);
      expect(mark.x + mark.width).toBeLessThanOrEqual(width);
    }
    expect(picture).not.toContain('<style>');
  });
});

/** Lets any element be: what is asked is only whether the file is XML. */
const ANY =
  '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://www.w3.org/2000/svg">' +
  '<xs:element name="svg"><xs:complexType mixed="true"><xs:sequence><xs:any processContents="skip" minOccurs="0" ' +
  'maxOccurs="unbounded"/></xs:sequence><xs:anyAttribute processContents="skip"/></xs:complexType></xs:element></xs:schema>';
