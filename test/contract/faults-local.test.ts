import { local } from '../../src/platforms/local.ts';
import { shippedFaultsOn } from './faults.ts';

await shippedFaultsOn(local);
