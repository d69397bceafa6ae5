// vitest-counts.cjs REPORT FAILURES: "passed failed" of vitest's JSON report; what failed, and why, is added to FAILURES,
// and the slowest files are told on standard error.
const { appendFileSync, readFileSync } = require('node:fs');

const [report, failures] = process.argv.slice(2);
const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
const file = ({ name }) => name.replace(`${process.cwd()}/`, '');

const broken = testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
);
const failed = testResults.flatMap((module) =>
  module.assertionResults
    .filter((test) => test.status === 'failed')
    .map(
      (test) =>
        `${file(module)} > ${test.fullName}\n    ${test.failureMessages.join('\n').split('\n').slice(0, 12).join('\n    ')}`,
    ),
);
const told = [...failed, ...broken.map((module) => `${file(module)}\n    ${module.message}`)];
if (told.length > 0) appendFileSync(failures, `${told.join('\n')}\n`);

const slowest = testResults
  .map((module) => ({ name: file(module), s: (module.endTime - module.startTime) / 1000 }))
  .sort((a, b) => b.s - a.s);
for (const { name, s } of slowest.slice(0, 20)) console.error(`${s.toFixed(1).padStart(7)} s  ${name}`);
console.log(numPassedTests, numFailedTests + broken.length);
