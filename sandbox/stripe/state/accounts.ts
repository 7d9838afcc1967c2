import { accountInvalid, invalidRequest } from '../api/errors.ts';
import { Account } from './account.ts';
import type { Clock } from './clock.ts';
import { createIdSource, type IdSource } from './ids.ts';

/** Connected accounts that may come into being; a test that names more has a defect. */
const connectedMax = 1_000;
const accountId = /^acct_[A-Za-z0-9]{1,250}$/;

export interface AccountsOptions {
  readonly clock: Clock;
  readonly seed: number;
  readonly publicUrl: () => string;
  /** Events of each kind that each account keeps; many when not given. */
  readonly eventsKeptMax?: number | undefined;
}

/** The platform's account and those that requests have named in `Stripe-Account`, each with its own objects. */
export class Accounts {
  readonly platform: Account;
  private readonly connected = new Map<string, Account>();
  private readonly options: AccountsOptions;
  /** One for all accounts, so that no id is there twice. */
  private ids: IdSource;

  constructor(options: AccountsOptions) {
    this.options = options;
    this.ids = createIdSource(options.seed);
    this.platform = this.create(null);
  }

  /**
   * The account that a request is about; a connected one comes into being when it is first named.
   * @param id null for the platform itself
   * @throws StripeError 403 for what is no account's id, 400 when there are too many
   */
  of(id: string | null): Account {
    if (id === null) return this.platform;
    const known = this.connected.get(id);
    if (known) return known;
    if (!accountId.test(id)) throw accountInvalid(id);
    if (this.connected.size >= connectedMax)
      throw invalidRequest({ message: `more than ${connectedMax} connected accounts` });
    const account = this.create(id);
    this.connected.set(id, account);
    return account;
  }

  *all(): Generator<Account> {
    yield this.platform;
    yield* this.connected.values();
  }

  /** Forgets all state of all accounts; ids start again from the seed. */
  reset(): void {
    this.ids = createIdSource(this.options.seed);
    this.connected.clear();
    this.platform.reset(this.ids);
  }

  private create(id: string | null): Account {
    const { clock, publicUrl, eventsKeptMax } = this.options;
    return new Account({ id, clock, ids: this.ids, publicUrl, eventsKeptMax });
  }
}
