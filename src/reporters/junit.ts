/**
 * `junit.xml`: the verdict for CI servers, one test case for each check. A failed check is a failure; a check that could
 * not judge is an error, so that no server takes it for a pass. Uses only elements and attributes that Jenkins and GitLab
 * read.
 */

import type { Report } from '../model/report.ts';
import type { CheckResult } from '../model/verdict.ts';
import { htmlText as text } from './escape.ts';
import type { Reporter } from './reporter.ts';

export const junit: Reporter = {
  name: 'junit',
  summary: 'junit.xml, for CI servers: one test case for each check',
  render: (report) => ({ 'junit.xml': `${render(report).join('\n')}\n` }),
};

function render({ run, results, topology, durationMs, finding }: Report): string[] {
  const counts = {
    tests: results.length,
    failures: results.filter(({ judgement }) => judgement === 'fail').length,
    errors: results.filter(({ judgement }) => judgement === 'unknown').length,
    time: (durationMs / 1_000).toFixed(3),
  };
  const properties = {
    run: run.id,
    claim: run.claim,
    seed: run.seed,
    platform: topology.platform,
    engine: topology.engine,
    pgquake: run.pgquakeVersion,
    again: run.again,
  };
  const suite = `pgquake.${run.scenario}`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: 'pgquake', ...counts })}>`,
    `  <testsuite${attributes({ name: suite, ...counts, skipped: 0, timestamp: run.startedAt })}>`,
    '    <properties>',
    ...Object.entries(properties)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `      <property${attributes({ name, value })}/>`),
    '    </properties>',
    ...results.flatMap((result) => testCase(result, suite)),
    `    <system-out>${text(finding)}</system-out>`,
    '  </testsuite>',
    '</testsuites>',
  ];
}

function testCase(result: CheckResult, suite: string): string[] {
  const { check, judgement, expected, observed, evidence, place } = result;
  const element = { pass: 'system-out', fail: 'failure', unknown: 'error' }[judgement];
  const why = judgement === 'pass' ? {} : { message: `${observed} (expected: ${expected})`, type: check };
  return [
    `    <testcase${attributes({ name: nameOf(result), classname: suite })}>`,
    `      <${element}${attributes(why)}>expected: ${text(expected)}`,
    `observed: ${text(observed)}`,
    ...evidence.map((line) => `- ${text(line)}`),
    `${place === undefined ? '' : `at ${text(place)}`}</${element}>`,
    '    </testcase>',
  ];
}

/** A check with its parameters in the scenario, which distinguish it from others of its kind. */
function nameOf({ check, params }: CheckResult): string {
  const written = Object.entries(params).map(([key, value]) => {
    return `${key}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`;
  });
  return written.length === 0 ? check : `${check} (${written.join(', ')})`;
}

function attributes(values: Readonly<Record<string, string | number | undefined>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${text(String(value))}"`)
    .join('');
}
