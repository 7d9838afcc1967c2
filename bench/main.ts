import { benchAck } from './ack/bench-ack.ts';
import { benchProvisioning } from './provisioning/bench-provisioning.ts';

const BENCHMARKS: Record<string, () => Promise<void>> = { ack: benchAck, provisioning: benchProvisioning };

const [name = ''] = process.argv.slice(2);
const benchmark = BENCHMARKS[name];
if (benchmark === undefined) {
  process.stderr.write(`Usage: npm run bench -- <${Object.keys(BENCHMARKS).join('|')}>\n`);
  process.exit(2);
}
await benchmark();
