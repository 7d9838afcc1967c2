import { z } from 'zod';

// What is loaded here is loaded once for all runs in a worker's cache; a zod for each of them took 0.7 MiB of every run that
// is open, and dunning has many. These modules are frozen before the first run begins, so they may hold nothing of a run, and
// what zod sets up at its first use is used here. That use also keeps the bundler from leaving zod out as one without effect.
const schema = z.object({ text: z.string() });
schema.safeParse({ text: 'fits' });
schema.safeParse({});
