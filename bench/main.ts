import { benchAck } from './ack/bench-ack.ts';
import { benchDunning } from './dunning/bench-dunning.ts';
import { benchImport } from './import/bench-import.ts';
import { benchProvisioning } from './provisioning/bench-provisioning.ts';
import { benchStripe } from './stripe-simulator/bench-stripe.ts';
import { benchSync } from './sync/bench-sync.ts';

const BENCHMARKS: Record<string, (flags: readonly string[]) => Promise<void>> = {
  ack: benchAck,
  dunning: benchDunning,
  import: benchImport,
  provisioning: benchProvisioning,
  stripe: benchStripe,
  sync: benchSync,
};

const [name = '', ...flags] = process.argv.slice(2);
const benchmark = BENCHMARKS[name];
if (benchmark === undefined) {
  process.stderr.write(`Usage: npm run bench -- <${Object.keys(BENCHMARKS).join('|')}>\n`);
  process.exit(2);
}
await benchmark(flags);
