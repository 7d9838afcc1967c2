import { setTimeout as delay } from 'node:timers/promises';
import { type System, until } from '../system.ts';
import { type Catalog, openCatalog } from './catalog.ts';
import { changeCatalog } from './catalog-changes.ts';
import {
  buyer,
  checkOut,
  type KnownCustomer,
  noLongerCreated,
  provisioned,
  tenantCreated,
} from './customers.ts';
import { Dice } from './dice.ts';
import { changeSubscription, sellOldPrice, subscribe } from './subscription-changes.ts';

const PAUSE_MS_MAX = 80;
/** A customer changes several times in a row, so that its events meet each other. */
const CHANGES_IN_A_ROW_MAX = 4;
/** How often it is something else than a subscription that changes. */
const OTHER_CHANGE = 0.2;
/** Customers whose tenants are made while everything falls down. */
const LATE_PURCHASES = 6;
/** Second Stripe customers of tenants, linked by the tenant's id in their metadata. */
const SECOND_CUSTOMERS = 4;
const DELETIONS = 2;
/** Customers who change a last time when the rest has come to rest. */
const LAST_CHANGES = 15;
const SALES_OF_THE_OLD_PRICE = 5;

/** The life of a store at Stripe: its customers, what they have, and how that changes. */
export class Store {
  readonly customers: KnownCustomer[];
  readonly #catalog: Catalog;
  readonly #system: System;
  readonly #dice: Dice;
  /** What happens a fixed number of times, in an order that chance decides. */
  readonly #milestones: (() => Promise<void>)[];
  readonly #late = new Set<KnownCustomer>();
  /** Customers whose checkout was sent (once more) during their life here. */
  readonly #asked = new Set<KnownCustomer>();
  /** Those of them whose checkout goes on until it is accepted. */
  readonly #asking = new Set<KnownCustomer>();

  private constructor(options: { system: System; dice: Dice; customers: KnownCustomer[]; catalog: Catalog }) {
    this.customers = options.customers;
    this.#catalog = options.catalog;
    this.#system = options.system;
    this.#dice = options.dice;
    const times = (count: number, milestone: () => Promise<void>) =>
      Array.from({ length: count }, () => milestone);
    this.#milestones = this.#dice.shuffled([
      ...times(LATE_PURCHASES, () => this.#buyLate()),
      ...times(SECOND_CUSTOMERS, () => this.#addSecondCustomer()),
      ...times(DELETIONS, () => this.#deleteCustomer()),
    ]);
  }

  /** A store with so many customers, of whom a few will come later; the others have their tenants. */
  static async open(options: { system: System; seed: number; customers: number }): Promise<Store> {
    const { system, seed } = options;
    const dice = new Dice(seed, 'store');
    const catalog = await openCatalog(system);
    const customers = await provisioned(system, options.customers - LATE_PURCHASES);
    for (const customer of dice.shuffled(customers).slice(0, SALES_OF_THE_OLD_PRICE))
      await sellOldPrice({ system, dice, catalog, customer });
    return new Store({ system, dice, customers, catalog });
  }

  /** Tenants that there must be in the end. */
  get tenants(): number {
    return this.customers.filter(({ purchase }) => purchase !== undefined).length;
  }

  /** Changes things until told to stop and everything that must happen has happened. */
  async live(signal: AbortSignal): Promise<void> {
    while (!signal.aborted || this.#milestones.length > 0) {
      await this.#changeSomething();
      await this.#ask();
      await delay(this.#dice.between(0, PAUSE_MS_MAX));
    }
  }

  /** From here on nobody changes anything: every checkout was accepted, and every creation has ended. */
  async comeToRest(): Promise<void> {
    // A Temporal that lost its data lost runs of accepted checkouts; a store that sees no tenant asks again.
    for (const customer of this.#late) this.#asking.add(customer);
    await until('every checkout is accepted', async () => {
      await this.#ask();
      return this.#asking.size === 0;
    });
    for (const customer of this.#asked) {
      if (this.#late.has(customer)) await tenantCreated(this.#system, customer);
      else await noLongerCreated(this.#system, customer);
    }
  }

  /** A few last changes, when nothing else changes any more. */
  async changeOnceMore(): Promise<void> {
    const system = this.#system;
    const living = this.customers.filter(({ isDeleted }) => !isDeleted);
    for (const customer of this.#dice.shuffled(living).slice(0, LAST_CHANGES))
      await changeSubscription({ system, dice: this.#dice, catalog: this.#catalog, customer });
  }

  async #changeSomething(): Promise<void> {
    const system = this.#system;
    const dice = this.#dice;
    const catalog = this.#catalog;
    if (dice.happens(OTHER_CHANGE)) {
      await this.#milestones.pop()?.();
      await dice.pick([
        () => this.#renameCustomer(),
        () => this.#askAgain(),
        () => changeCatalog({ system, dice, catalog }),
      ])();
      return;
    }
    const customer = this.#pickCustomer();
    const inARow = dice.between(1, CHANGES_IN_A_ROW_MAX);
    for (let change = 0; change < inARow; change += 1) {
      await changeSubscription({ system, dice, catalog, customer });
    }
  }

  /** Sends one of the checkouts that were not accepted yet; a store does so again and again. */
  async #ask(): Promise<void> {
    const [customer] = this.#dice.shuffled([...this.#asking]);
    if (customer && (await checkOut(this.#system, customer))) this.#asking.delete(customer);
  }

  async #buyLate(): Promise<void> {
    const customer = await buyer(this.#system, this.#dice.between(1, 50));
    const path = `/v1/customers/${customer.id}`;
    const kind = this.#dice.pick(['lost_answer', 'error_after', 'error_before', 'rate_limit'] as const);
    await this.#system.simulator.control.injectFault({ method: 'POST', path, kind });
    this.customers.push(customer);
    this.#late.add(customer);
    this.#asked.add(customer);
    this.#asking.add(customer);
  }

  async #addSecondCustomer(): Promise<void> {
    const { tenant } = this.#dice.pick(this.customers.filter((customer) => customer.tenant !== undefined));
    if (tenant === undefined) throw new Error('unreachable: picked with a tenant');
    const { id } = await this.#system.stripe.customers.create({
      email: 'second@example.com',
      name: 'Second',
      metadata: { tenant_id: tenant },
      payment_method: 'pm_card_visa',
      invoice_settings: { default_payment_method: 'pm_card_visa' },
    });
    const customer = { id, tenant, purchase: undefined, subscriptions: [], isDeleted: false };
    this.customers.push(customer);
    await subscribe({ system: this.#system, dice: this.#dice, catalog: this.#catalog, customer });
  }

  /** Never one whose creation may be under way: that would have to wait for an operator. */
  async #deleteCustomer(): Promise<void> {
    const customer = this.#dice.pick(
      this.customers.filter((one) => !one.isDeleted && one.purchase !== undefined && !this.#asked.has(one)),
    );
    customer.isDeleted = true;
    await this.#system.stripe.customers.del(customer.id);
  }

  async #renameCustomer(): Promise<void> {
    const name = `Renamed ${this.#dice.between(1, 1_000)} – Ltd`;
    // A late one's creation writes to the customer too, and the fault that waits for that is not for us.
    const { id } = this.#dice.pick(this.customers.filter((one) => !one.isDeleted && !this.#asked.has(one)));
    await this.#system.stripe.customers.update(id, { name, email: `${name.length}-${id}@example.com` });
  }

  /** A store that got no answer asks a second time; it must never get a second tenant. */
  async #askAgain(): Promise<void> {
    const customer = this.#pickCustomer();
    if (customer.purchase === undefined) return;
    this.#asked.add(customer);
    this.#asking.add(customer);
  }

  #pickCustomer(): KnownCustomer {
    return this.#dice.pick(this.customers.filter(({ isDeleted }) => !isDeleted));
  }
}
