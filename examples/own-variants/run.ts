import { loadConfig } from 'pgquake';

const quake = await loadConfig('scenarios/pgquake.config.ts');
const scenario = await quake.load('scenarios/low-limit.yaml');
const { verdict, report, folder } = await quake.run(scenario, { seed: 7 });
console.log(`${verdict.judgement}: ${report.finding}\n${folder}`);
