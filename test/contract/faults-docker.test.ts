/** Faults that the embedded cluster offers too are held to the whole contract there: `faults-local.test.ts`. */

import { docker } from '../../src/platforms/docker.ts';
import { local } from '../../src/platforms/local.ts';
import { shippedFaultsOn } from './faults.ts';

await shippedFaultsOn(docker, local);
