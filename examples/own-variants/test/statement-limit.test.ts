import { pgquake } from 'pgquake';
import { faultContract, type Oracle } from 'pgquake/contract';
import { describe } from 'vitest';
import { statementLimit } from '../src/statement-limit.ts';

const platform = pgquake().catalog.platforms.find(({ name }) => name === 'local');
if (!platform) throw new Error('the platform local is not shipped');

/** A client whose statement takes twice the limit sees the fault. */
const oracle: Oracle = {
  kinds: ['slow', 'ping'],
  spared: ['ping'],
  statements: { slow: 'SELECT pg_sleep(0.2)' },
  sees: (clients) => clients.of('slow').find(({ code }) => code === '57014') && 'a statement of 200 ms was ended',
};

describe('statement-limit', () => {
  faultContract({ platform, faults: [{ fault: statementLimit, oracle }] });
});
