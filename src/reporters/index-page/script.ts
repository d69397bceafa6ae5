/** The index page's own script: filters runs and trends by scenario and by verdict. Without it all of them show. */

export const INDEX_SCRIPT = `
'use strict';
const form = document.getElementById('filter');
if (form) {
  const scenario = document.getElementById('by-scenario');
  const verdict = document.getElementById('by-verdict');
  const rows = [...document.querySelectorAll('#run-table tbody tr')];
  const trends = [...document.querySelectorAll('.trend')];
  const apply = () => {
    const of = (one) => scenario.value === '' || one.dataset.scenario === scenario.value;
    for (const row of rows) row.hidden = !(of(row) && (verdict.value === '' || row.dataset.verdict === verdict.value));
    for (const trend of trends) trend.hidden = !of(trend);
    const shown = rows.filter((row) => !row.hidden).length;
    document.getElementById('shown').textContent = shown === rows.length
      ? rows.length + (rows.length === 1 ? ' run' : ' runs')
      : shown + ' of ' + rows.length + ' runs';
  };
  form.addEventListener('change', apply);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.hidden = false;
  // A browser may bring back what was chosen before the page was loaded again.
  apply();
}
`;
