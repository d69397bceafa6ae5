import { defineConfig } from 'pgquake';
import { healsWithin } from '../src/heals-within.ts';
import { orders } from '../src/orders.ts';
import { relaxed } from '../src/relaxed.ts';
import { statementLimit } from '../src/statement-limit.ts';

export default defineConfig({
  faults: [statementLimit],
  checks: [healsWithin],
  workloads: [orders],
  engines: [relaxed],
  platform: 'local',
  reports: '../reports',
});
