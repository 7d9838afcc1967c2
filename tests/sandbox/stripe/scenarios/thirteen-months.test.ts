import { describe, expect, it } from 'vitest';
import { iso, seconds } from './stage.ts';
import { type Chronicle, type Course, liveThirteenMonths } from './thirteen-months.ts';

const day = 86_400;
/** As much as Stripe allows for a monthly subscription, in each month of the year. */
const bigStep = 59 * day;
const smallStep = 4 * day;

const invoicesUntilSeptember = [
  '0001 create 2027-01-15/2027-01-15: 5000 = 5000 paid (1)',
  '0002 cycle 2027-01-15/2027-02-15: 5000 = 5000 paid (1)',
  '0003 cycle 2027-02-15/2027-03-15: -2500 + 4000 + 8000 = 9500 paid (1)',
  '0004 cycle 2027-03-15/2027-04-15: 8000 = 8000 paid (1)',
  '0005 cycle 2027-04-15/2027-05-15: 8000 = 8000 paid (4)',
  '0006 cycle 2027-05-15/2027-06-15: 8000 = 8000 paid (1)',
  '0007 cycle 2027-06-15/2027-07-15: 8000 = 8000 paid (1)',
  // The add-on's year is the subscription's: 167 of 365 days of 120.00 are left.
  '0008 cycle 2027-07-15/2027-08-15: 5490 + 8000 = 13490 paid (1)',
  '0009 cycle 2027-08-15/2027-09-15: 8000 = 8000 paid (1)',
];
const statusesUntilSeptember = [
  '2027-01-15T09:00:00Z active',
  '2027-05-15T10:00:00Z past_due',
  '2027-06-02T12:00:00Z active',
];
const lastInvoices = [
  '0012 cycle 2027-11-15/2027-12-15: 8000 = 8000 paid (1)',
  '0013 cycle 2027-12-15/2028-01-15: 8000 + 12000 = 20000 paid (1)',
];
const ending = '2028-02-15T09:00:00Z canceled';

describe('Thirteen months of a subscription', () => {
  it('with three retries, a recovery, prorations, an annual add-on, and an end with the period', async () => {
    const chronicle = await liveThirteenMonths({ stepSeconds: bigStep });
    const { invoices, statuses, subscription } = chronicle;
    expect(invoices).toEqual([
      ...invoicesUntilSeptember,
      '0010 cycle 2027-09-15/2027-10-15: 8000 = 8000 paid (1)',
      '0011 cycle 2027-10-15/2027-11-15: 8000 = 8000 paid (1)',
      ...lastInvoices,
    ]);
    expect(statuses).toEqual([...statusesUntilSeptember, ending]);
    expect(subscription).toMatchObject({
      status: 'canceled',
      canceled_at: seconds('2028-02-01T00:00:00Z'),
      ended_at: seconds('2028-02-15T09:00:00Z'),
    });
    // Month and year begin together.
    expect(servicesOf(chronicle, '0013')).toEqual([
      '8000 2028-01-15/2028-02-15',
      '12000 2028-01-15/2029-01-15',
    ]);
    expectOrderOfTime(chronicle);
    expectSameWebhooks(chronicle);
  });

  it.each([
    [
      'cancel',
      '2027-12-01T12:00:00Z',
      ['2027-11-06T10:00:00Z canceled'],
      ['0010 cycle 2027-09-15/2027-10-15: 8000 = 8000 open (5)'],
    ],
    [
      'unpaid',
      '2027-12-01T12:00:00Z',
      ['2027-11-06T10:00:00Z unpaid', '2027-12-01T12:00:00Z active', ending],
      [
        '0010 cycle 2027-09-15/2027-10-15: 8000 = 8000 paid (5)',
        '0011 cycle 2027-10-15/2027-11-15: 8000 = 8000 paid (1)',
        ...lastInvoices,
      ],
    ],
    [
      'past_due',
      '2027-12-01T12:00:00Z',
      ['2027-12-01T12:00:00Z active', ending],
      [
        '0010 cycle 2027-09-15/2027-10-15: 8000 = 8000 paid (5)',
        '0011 cycle 2027-10-15/2027-11-15: 8000 = 8000 paid (4)',
        ...lastInvoices,
      ],
    ],
    [
      'pause',
      '2027-11-10T12:00:00Z',
      ['2027-11-06T10:00:00Z paused', '2027-11-10T12:00:00Z active', ending],
      [
        '0010 cycle 2027-09-15/2027-10-15: 8000 = 8000 paid (5)',
        '0011 cycle 2027-10-15/2027-11-15: 8000 = 8000 paid (1)',
        ...lastInvoices,
      ],
    ],
  ] as const)(
    'and when the retries end a second time, set to %s',
    async (subscriptionAtEnd, recoversAt, statuses, invoices) => {
      const secondFailure = { subscriptionAtEnd, recoversAt };
      const chronicle = await liveThirteenMonths({ stepSeconds: bigStep, secondFailure });
      expect(chronicle.statuses).toEqual([
        ...statusesUntilSeptember,
        '2027-10-15T10:00:00Z past_due',
        ...statuses,
      ]);
      expect(chronicle.invoices).toEqual([...invoicesUntilSeptember, ...invoices]);
      expectOrderOfTime(chronicle);
      expectSameWebhooks(chronicle);
    },
  );

  it('are the same for the same seed, and others for another', async () => {
    const at = Date.parse('2026-12-01T00:00:00Z');
    // But for the ids of requests, as a client may ask any number of times, and the simulator's port.
    const live = async (seed: number): Promise<string[]> => {
      const course: Course = { stepSeconds: bigStep, simulator: { seed, now: () => at } };
      const { events } = await liveThirteenMonths(course);
      return events.map(({ request: _, ...event }) =>
        JSON.stringify(event).replaceAll(/http:..127.0.0.1:\d+/g, ''),
      );
    };
    const first = await live(7);
    expect(await live(7)).toEqual(first);
    expect(await live(8)).not.toEqual(first);
  });

  it('are the same in big steps and in small ones', async () => {
    const secondFailure = { subscriptionAtEnd: 'unpaid', recoversAt: '2027-12-01T12:00:00Z' } as const;
    const big = await liveThirteenMonths({ stepSeconds: bigStep, secondFailure });
    const small = await liveThirteenMonths({ stepSeconds: smallStep, secondFailure });
    expect(small.invoices).toEqual(big.invoices);
    expect(small.statuses).toEqual(big.statuses);
    const types = ({ events }: Chronicle): string[] => events.map(({ type }) => type);
    expect(types(small)).toEqual(types(big));
  });
});

/** What an invoice is for: one line for each of its lines. */
function servicesOf({ events }: Chronicle, number: string): string[] {
  const day = (at: number): string => iso(at).slice(0, 10);
  return events.flatMap(({ type, data }) =>
    type === 'invoice.finalized' && data.object.number?.endsWith(number)
      ? data.object.lines.data.map(
          ({ amount, period }) => `${amount} ${day(period.start)}/${day(period.end)}`,
        )
      : [],
  );
}

/** Everything was told when it happened, and nothing before something that happened earlier. */
function expectOrderOfTime({ witnessed }: Chronicle): void {
  const times = witnessed.map(({ frozenAt }) => frozenAt);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  for (const { event, frozenAt } of witnessed) {
    const { type, data } = event;
    if (type === 'invoice.finalized') expect(data.object.status_transitions.finalized_at).toBe(frozenAt);
    if (type === 'invoice.paid') expect(data.object.status_transitions.paid_at).toBe(frozenAt);
    if (type === 'invoice.created') expect(data.object.created).toBe(frozenAt);
    if (type === 'customer.subscription.deleted') expect(data.object.ended_at).toBe(frozenAt);
  }
}

/** What was delivered is what the list has, in the same order. */
function expectSameWebhooks({ events, witnessed }: Chronicle): void {
  const known = new Map(witnessed.map(({ event }) => [event.id, event]));
  for (const { pending_webhooks: _, ...event } of events) {
    const { pending_webhooks: __, ...delivered } = known.get(event.id) ?? { pending_webhooks: 0 };
    expect(delivered).toEqual(JSON.parse(JSON.stringify(event)));
  }
  const ids = new Set(events.map(({ id }) => id));
  expect([...known.keys()].filter((id) => ids.has(id))).toEqual([...ids]);
}
