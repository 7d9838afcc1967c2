import { setTimeout as delay } from 'node:timers/promises';
import type { ManagedProcess } from '../../../sandbox/processes/start-process.ts';
import type { System } from '../system.ts';
import { Dice } from './dice.ts';
import { startTemporalWithoutItsData } from './lost-temporal-data.ts';

const AWAY_MS_MAX = 2_000;
const PAUSE_MS_MAX = 1_500;

type Outage = { name: string; happen: () => Promise<void> };

export type Outages = {
  system: System;
  /** All that there are. */
  workers: readonly ManagedProcess[];
  seed: number;
  atLeastMs: number;
  /** Gets the name of each outage as it begins. */
  story: string[];
};

/**
 * One outage after the other, all kinds in an order that chance decides and then again, until the time is up and each
 * kind has happened. When it ends, everything is up.
 */
export async function fallDown(options: Outages): Promise<void> {
  const { story } = options;
  const dice = new Dice(options.seed, 'outages');
  const kinds = outages({ ...options, dice });
  const endMs = performance.now() + options.atLeastMs;
  let left: Outage[] = [];
  while (story.length < kinds.length || performance.now() < endMs) {
    if (left.length === 0) left = dice.shuffled(kinds);
    const outage = left.pop();
    if (outage === undefined) throw new Error('there are no outages');
    await delay(dice.between(0, PAUSE_MS_MAX));
    story.push(outage.name);
    await outage.happen();
  }
}

type Chance = Pick<Outages, 'system' | 'workers'> & { dice: Dice };

function outages(chance: Chance): Outage[] {
  return [
    ...outagesOfOurs(chance),
    ...outagesOfPostgres(chance),
    ...outagesOfTemporal(chance),
    totalOutage(chance),
  ];
}

function outagesOfOurs({ system: { gateway }, workers, dice }: Chance): Outage[] {
  return [
    {
      name: 'a worker is killed',
      async happen() {
        const worker = dice.pick(workers);
        await kill(worker);
        await worker.restart();
      },
    },
    {
      name: 'the gateway is killed',
      async happen() {
        await kill(gateway);
        await away(dice);
        await gateway.restart();
      },
    },
    {
      name: 'all workers and the gateway are killed',
      async happen() {
        await Promise.all([...workers, gateway].map(kill));
        await Promise.all([...workers, gateway].map((process) => process.restart()));
      },
    },
  ];
}

function outagesOfPostgres({ system: { postgres }, dice }: Chance): Outage[] {
  return [
    {
      name: 'Postgres stops',
      async happen() {
        await postgres.stop();
        await away(dice);
        await postgres.start();
      },
    },
    {
      name: 'Postgres crashes',
      async happen() {
        await postgres.crash();
        await away(dice);
        await postgres.start();
      },
    },
  ];
}

function outagesOfTemporal({ system, dice }: Chance): Outage[] {
  const { gateway, temporal } = system;
  return [
    {
      name: 'Temporal stops',
      async happen() {
        await temporal.stop();
        await away(dice);
        await temporal.start();
      },
    },
    {
      name: 'Temporal crashes, and the gateway with it',
      async happen() {
        await temporal.crash();
        await away(dice);
        await kill(gateway);
        await Promise.all([temporal.start(), gateway.restart()]);
      },
    },
    {
      name: 'Temporal loses its data',
      async happen() {
        await temporal.crash();
        await startTemporalWithoutItsData(system);
      },
    },
  ];
}

function totalOutage({ system: { gateway, postgres, temporal }, workers }: Chance): Outage {
  return {
    name: 'everything crashes',
    async happen() {
      await Promise.all([...[...workers, gateway].map(kill), postgres.crash(), temporal.crash()]);
      await Promise.all([postgres.start(), temporal.start(), gateway.restart()]);
      await Promise.all(workers.map((worker) => worker.restart()));
    },
  };
}

function away(dice: Dice): Promise<void> {
  return delay(dice.between(0, AWAY_MS_MAX));
}

export async function kill(process: ManagedProcess): Promise<void> {
  process.kill('SIGKILL');
  await process.exited;
}
