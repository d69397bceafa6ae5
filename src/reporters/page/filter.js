/** Script of the index page: filters runs and trends by scenario and by verdict. Without it, the page shows all of them. */

/** @param {HTMLElement} form */
function filter(form) {
  const scenario = /** @type {HTMLSelectElement} */ (document.getElementById('by-scenario'));
  const verdict = /** @type {HTMLSelectElement} */ (document.getElementById('by-verdict'));
  const shown = /** @type {HTMLElement} */ (document.getElementById('shown'));
  /** @param {string} selector @returns {HTMLElement[]} */
  const all = (selector) => [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(selector))];
  const rows = all('#run-table tbody tr');
  const trends = all('.trend');
  const apply = () => {
    /** @param {HTMLElement} one */
    const ofScenario = (one) => scenario.value === '' || one.dataset.scenario === scenario.value;
    for (const row of rows) {
      row.hidden = !(ofScenario(row) && (verdict.value === '' || row.dataset.verdict === verdict.value));
    }
    for (const trend of trends) trend.hidden = !ofScenario(trend);
    const left = rows.filter((row) => !row.hidden).length;
    const whole = `${rows.length} ${rows.length === 1 ? 'run' : 'runs'}`;
    shown.textContent = left === rows.length ? whole : `${left} of ${rows.length} runs`;
  };
  form.addEventListener('change', apply);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.hidden = false;
  // After a reload the browser may restore an earlier choice.
  apply();
}

const form = document.getElementById('filter');
if (form) filter(form);
