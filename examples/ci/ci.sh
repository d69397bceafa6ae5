#!/bin/sh
# ci.sh SCENARIO...: runs them, says what did not hold, compares with a baseline, ends with pgquake's exit code.
set -u
reports=${REPORTS:-reports}

npm run --silent chaos -- "$@" --reports "$reports" --output json > "$reports.verdict.json"
code=$?
if [ "$code" -le 2 ]; then
  node -e '
    const { runs } = JSON.parse(fs.readFileSync(process.argv[1]));
    for (const { scenario, judgement, finding, results = [] } of runs) {
      console.log(`${judgement.toUpperCase()} ${scenario}: ${finding}`);
      for (const result of results) {
        if (result.judgement !== "pass") console.log(`  ${result.place ?? "always"} ${result.check}: ${result.observed}`);
      }
    }
  ' "$reports.verdict.json"
fi

# Good runs, kept with the sources; each report.json is enough. BASELINE lists them, separated by spaces.
if [ "$code" -eq 0 ] && [ -n "${BASELINE:-}" ]; then
  # shellcheck disable=SC2086
  npm run --silent chaos -- compare $BASELINE "$reports/latest" --fail-on-regression --time-tolerance 50% || code=$?
fi
exit "$code"
