import { docker } from '../../src/platforms/docker.ts';
import { shippedFaultsOn } from './faults.ts';

await shippedFaultsOn(docker);
