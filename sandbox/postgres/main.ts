import { untilInterrupted } from '../processes/until-interrupted.ts';
import { startPostgres } from './start-postgres.ts';

const postgres = await startPostgres({ dataDirectory: '.sandbox/postgres' });
console.log(postgres.url);
await untilInterrupted();
await postgres.close();
