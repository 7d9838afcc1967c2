import { mkdir } from 'node:fs/promises';
import { untilInterrupted } from '../processes/until-interrupted.ts';
import { startTemporal } from './start-temporal.ts';

await mkdir('.sandbox', { recursive: true });
const temporal = await startTemporal({ dataFile: '.sandbox/temporal.db', ui: true });
console.log(temporal.address, temporal.uiUrl ?? '');
await untilInterrupted();
await temporal.close();
