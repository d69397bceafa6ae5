/** Passwords that a server quotes get into no history, report or error. */

import { describe, expect, test } from 'vitest';
import { reporters } from '../../src/catalog.ts';
import { errorText } from '../../src/model/errors.ts';
import { indexedReport } from '../../src/model/run-index.ts';
import { withoutSecrets } from '../../src/model/secrets.ts';
import { githubAnnotations, githubSummary } from '../../src/reporters/github.ts';
import { indexPage } from '../../src/reporters/index-page.ts';
import { terminalSummary } from '../../src/reporters/terminal.ts';
import { verdictJson } from '../../src/reporters/verdict-json.ts';
import { classifyError } from '../../src/sql/outcome.ts';
import { HOSTILE, hostileReport } from '../support/sample-report.ts';

const SECRET = 'hunter2-Tr0ub4dor';

const TEXTS = [
  `could not connect to "postgres://app:${SECRET}@10.0.0.1:5432/chat?sslmode=require"`,
  `POSTGRESQL://app:${SECRET}@db/chat`,
  `invalid connection string "host=w1 user=app password=${SECRET} dbname=chat"`,
  `connection info: host=w1 password='${SECRET} it''s' user=app`,
  `PGPASSWORD=${SECRET} psql`,
  `STATEMENT: ALTER ROLE app PASSWORD '${SECRET}'`,
  `OPTIONS (user 'app', password '${SECRET}', host 'w1')`,
  `{"host":"w1","password":"${SECRET}"}`,
  `{ user: 'app', password: '${SECRET}' }`,
  `passwd = "${SECRET}"`,
];

describe('passwords', () => {
  test.each(TEXTS)('are taken out of: %s', (text) => {
    expect(withoutSecrets(text)).not.toContain(SECRET);
    expect(withoutSecrets(text)).toContain('********');
    expect(errorText(new Error(text))).not.toContain(SECRET);
    expect(errorText(text)).not.toContain(SECRET);
    expect(errorText(new AggregateError([new Error(text)]))).not.toContain(SECRET);
  });

  test.each([
    'password authentication failed for user "app"',
    'the password: it is not known',
    'see https://example.org/docs: 42@home',
    'connection to worker1 lost',
    'no password supplied',
  ])('nothing else is: %s', (text) => {
    expect(withoutSecrets(text)).toBe(text);
  });

  test.each(TEXTS)('are taken out where the text is cut off anywhere: %s', (text) => {
    const from = text.indexOf(SECRET);
    for (let end = from + 4; end <= text.length; end++) {
      expect(withoutSecrets(`${text.slice(0, end)}…`)).not.toContain(SECRET.slice(0, 4));
    }
  });

  test.each([
    ['letters', `pass ${'x'.repeat(300_000)}`],
    ['quotes', "password='".repeat(30_000)],
    ['addresses', 'a://b:'.repeat(50_000)],
    ['blanks', `password${' '.repeat(300_000)}`],
  ])('are looked for in no time in a long text of %s', (_, text) => {
    const began = performance.now();
    withoutSecrets(text);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  test('an error of the load is kept without them', () => {
    const error = Object.assign(new Error(TEXTS[2]), { code: '08001' });
    expect(JSON.stringify(classifyError('write', error, true))).not.toContain(SECRET);
  });

  test('no report shows one, wherever it was', () => {
    const all = TEXTS.join(' | ');
    const evil = (value: unknown): unknown => {
      if (typeof value === 'string') return value.includes(HOSTILE) ? all : value;
      if (Array.isArray(value)) return value.map(evil);
      if (value === null || typeof value !== 'object') return value;
      return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, evil(member)]));
    };
    const report = evil(hostileReport) as typeof hostileReport;
    expect(JSON.stringify(report).split(SECRET).length).toBeGreaterThan(100);
    const files = reporters.flatMap((reporter) => Object.entries(reporter.render(report)));
    const plain = { bold: String, dim: String, green: String, red: String, yellow: String };
    const shown = [
      ...files,
      ['terminal', terminalSummary(report, { colors: plain, columns: 100, folder: 'x' }).join('\n')],
      ['annotations', githubAnnotations(report, { root: '/', folder: '/' }).join('\n')],
      ['summary', githubSummary(report)],
      ['verdict', verdictJson([{ report, folder: 'x' }])],
      ['index', indexPage([{ id: 'x', report: indexedReport(report) }], '0')],
    ] as const;
    expect(shown.length).toBeGreaterThan(9);
    for (const [name, content] of shown) expect([name, content.includes(SECRET)]).toEqual([name, false]);
  });
});
