/**
 * A model of Stripe, the gateway, the inbox, Temporal and the sync, small enough that every interleaving of their steps
 * can be tried. One move is one effect: between any two of them another party may act, or a process die.
 */

/** What holds the system together; a test takes one away and sees the model fail. */
export type Guarantees = {
  /** I2: an event id is stored once. */
  uniqueKey: boolean;
  /** I1: 2xx only after the commit. */
  answerAfterCommit: boolean;
  /** A snapshot is written only if nobody wrote since its version was read. */
  versionFence: boolean;
  /** The events that a commit settles are noted before Stripe is asked. */
  noteBeforeFetch: boolean;
  /** A snapshot replaces; counting the events' changes up would be wrong with the first duplicate. */
  replaces: boolean;
  sweep: boolean;
};

export const ALL_GUARANTEES: Guarantees = {
  uniqueKey: true,
  answerAfterCommit: true,
  versionFence: true,
  noteBeforeFetch: true,
  replaces: true,
  sweep: true,
};

export type Customer = { name: string; quantity: number; version: number };
export type StripeEvent = {
  id: string;
  customer: string;
  delta: number;
  state: 'sending' | 'acknowledged' | 'lost';
};
type Row = { id: string; customer: string; delta: number; status: 'received' | 'processed' };
type Projection = { quantity: number; version: number; syncVersion: number };
/** A request in the gateway. */
type Receipt = { event: StripeEvent; isCommitted: boolean };
export type Attempt = {
  number: number;
  customer: string;
  stage: 'begun' | 'noted' | 'versioned' | 'fetched' | 'committed';
  /** Temporal has given it up, but it does not know yet. */
  isZombie: boolean;
  noted: string[];
  syncVersion: number;
  snapshot: { quantity: number; version: number };
};
type Workflow = { isWoken: boolean };

type AttemptMove = 'step' | 'attempt_dies' | 'commit_answer_lost' | 'presumed_dead';

/** One thing that can happen now. */
export type Move =
  | { kind: 'change'; customer: Customer }
  | { kind: 'deliver' | 'lose'; event: StripeEvent }
  | { kind: 'store' | 'answer'; receipt: Receipt }
  | { kind: 'wake'; customer: string }
  | { kind: 'gateway_dies' }
  | { kind: 'begin'; customer: string }
  | { kind: AttemptMove; attempt: Attempt }
  | { kind: 'sweep' };

const CUSTOMERS = ['cus_a', 'cus_b'];
const QUANTITIES = 7;
/** Events of one change: a fact may come under several ids. */
const EVENTS_PER_CHANGE_MAX = 2;

export class Model {
  readonly guarantees: Guarantees;
  readonly stripe: Customer[] = CUSTOMERS.map((name) => ({ name, quantity: 1, version: 0 }));
  readonly events: StripeEvent[] = [];
  readonly inbox: Row[] = [];
  readonly attempts: Attempt[] = [];
  /** What went wrong on the way. */
  readonly violations: string[] = [];
  private readonly projection = new Map<string, Projection>(
    CUSTOMERS.map((name) => [name, { quantity: 1, version: 0, syncVersion: 0 }]),
  );
  private receipts: Receipt[] = [];
  /** The waker's memory. */
  private readonly noticed = new Set<string>();
  private readonly workflows = new Map<string, Workflow>();
  private numbers = 0;

  constructor(guarantees: Guarantees = ALL_GUARANTEES) {
    this.guarantees = guarantees;
  }

  /** Everything that goes on by itself. */
  progress(): Move[] {
    const underWay = new Set(this.receipts.map(({ event }) => event));
    const sending = this.events.filter((event) => event.state === 'sending' && !underWay.has(event));
    const idle = [...this.workflows.keys()].filter((customer) => !this.activeAttempt(customer));
    return [
      ...sending.map((event): Move => ({ kind: 'deliver', event })),
      ...this.receipts.flatMap((receipt) => this.receiptMoves(receipt)),
      ...[...this.noticed].map((customer): Move => ({ kind: 'wake', customer })),
      ...idle.map((customer): Move => ({ kind: 'begin', customer })),
      ...this.attempts.map((attempt): Move => ({ kind: 'step', attempt })),
    ];
  }

  private receiptMoves(receipt: Receipt): Move[] {
    if (receipt.isCommitted) return [{ kind: 'answer', receipt }];
    const store: Move = { kind: 'store', receipt };
    return this.guarantees.answerAfterCommit ? [store] : [store, { kind: 'answer', receipt }];
  }

  /** Everything that comes from outside: changes at Stripe, faults, the sweep. */
  trouble(): Move[] {
    return [
      ...this.stripe.map((customer): Move => ({ kind: 'change', customer })),
      // Delivered once more, though it was acknowledged; or never again.
      ...this.events.map((event): Move => ({ kind: 'deliver', event })),
      ...this.events
        .filter((event) => event !== this.lastEventOf(event.customer))
        .map((event): Move => ({ kind: 'lose', event })),
      { kind: 'gateway_dies' },
      ...this.attempts.flatMap((attempt): Move[] => [
        { kind: 'attempt_dies', attempt },
        ...(attempt.isZombie ? [] : [{ kind: 'presumed_dead', attempt } as const]),
        ...(attempt.stage === 'fetched' ? [{ kind: 'commit_answer_lost', attempt } as const] : []),
      ]),
      ...(this.guarantees.sweep ? [{ kind: 'sweep' } as const] : []),
    ];
  }

  /** @param choice picks what a move leaves open */
  apply(move: Move, choice = 0): void {
    switch (move.kind) {
      case 'change':
        this.change(move.customer, choice);
        break;
      case 'deliver':
        this.receipts.push({ event: move.event, isCommitted: false });
        break;
      case 'lose':
        if (move.event.state === 'sending') move.event.state = 'lost';
        break;
      case 'store':
        this.store(move.receipt);
        break;
      case 'answer':
        this.answer(move.receipt);
        break;
      case 'wake':
        this.noticed.delete(move.customer);
        this.signalWithStart(move.customer);
        break;
      case 'gateway_dies':
        this.receipts = [];
        this.noticed.clear();
        break;
      case 'begin':
        this.begin(move.customer);
        break;
      case 'sweep':
        this.sweep();
        break;
      default:
        this.applyToAttempt(move.kind, move.attempt);
    }
  }

  private applyToAttempt(kind: AttemptMove, attempt: Attempt): void {
    switch (kind) {
      case 'step':
        this.step(attempt);
        break;
      case 'attempt_dies':
        this.remove(attempt);
        break;
      case 'commit_answer_lost':
        this.commit(attempt);
        this.remove(attempt);
        break;
      case 'presumed_dead':
        attempt.isZombie = true;
        break;
      default:
        kind satisfies never;
    }
  }

  private sweep(): void {
    const received = this.inbox.filter((row) => row.status === 'received');
    for (const customer of new Set(received.map((row) => row.customer))) this.signalWithStart(customer);
  }

  /** Everything that does not hold at the end. */
  differences(): string[] {
    const stored = new Set(this.inbox.map((row) => row.id));
    return [
      ...this.violations,
      ...this.stripe
        .filter(({ name, quantity }) => this.projection.get(name)?.quantity !== quantity)
        .map(
          ({ name, quantity }) =>
            `I4 ${name} is ${this.projection.get(name)?.quantity}, at Stripe ${quantity}`,
        ),
      ...this.inbox.filter((row) => row.status === 'received').map((row) => `I3 ${row.id} is still received`),
      ...this.events
        .filter((event) => event.state === 'acknowledged' && !stored.has(event.id))
        .map((event) => `I1 ${event.id} was acknowledged and is not stored`),
      ...(stored.size === this.inbox.length ? [] : ['I2 an event is stored twice']),
    ];
  }

  /** Stripe tries for days, so that of a customer's events the last one comes through at some time. */
  private lastEventOf(customer: string): StripeEvent | undefined {
    return this.events.findLast((event) => event.customer === customer);
  }

  private change(customer: Customer, choice: number): void {
    const before = customer.quantity;
    customer.quantity = choice % QUANTITIES;
    customer.version += 1;
    const count = 1 + (choice % EVENTS_PER_CHANGE_MAX);
    for (let number = 0; number < count; number += 1) {
      this.events.push({
        id: `evt_${this.events.length}`,
        customer: customer.name,
        delta: customer.quantity - before,
        state: 'sending',
      });
    }
  }

  private store(receipt: Receipt): void {
    receipt.isCommitted = true;
    const { id, customer, delta } = receipt.event;
    if (this.guarantees.uniqueKey && this.inbox.some((row) => row.id === id)) return;
    this.inbox.push({ id, customer, delta, status: 'received' });
  }

  private answer(receipt: Receipt): void {
    receipt.event.state = 'acknowledged';
    this.receipts = this.receipts.filter((one) => one !== receipt);
    this.noticed.add(receipt.event.customer);
  }

  private signalWithStart(customer: string): void {
    const workflow = this.workflows.get(customer);
    if (!workflow) this.workflows.set(customer, { isWoken: true });
    else workflow.isWoken = true;
  }

  private activeAttempt(customer: string): Attempt | undefined {
    return this.attempts.find((attempt) => attempt.customer === customer && !attempt.isZombie);
  }

  private begin(customer: string): void {
    const workflow = this.workflows.get(customer);
    if (workflow) workflow.isWoken = false;
    this.attempts.push({
      number: ++this.numbers,
      customer,
      stage: 'begun',
      isZombie: false,
      noted: [],
      syncVersion: 0,
      snapshot: { quantity: 0, version: 0 },
    });
  }

  private step(attempt: Attempt): void {
    const { stage } = attempt;
    if (stage === 'begun') {
      attempt.noted = this.pendingOf(attempt.customer);
      // Without pending events Stripe isn't asked.
      attempt.stage = attempt.noted.length > 0 ? 'noted' : 'committed';
    } else if (stage === 'noted') {
      attempt.syncVersion = this.projection.get(attempt.customer)?.syncVersion ?? 0;
      attempt.stage = 'versioned';
    } else if (stage === 'versioned') {
      const customer = this.stripe.find(({ name }) => name === attempt.customer);
      attempt.snapshot = { quantity: customer?.quantity ?? 0, version: customer?.version ?? 0 };
      attempt.stage = 'fetched';
    } else if (stage === 'fetched') {
      attempt.stage = this.commit(attempt) ? 'committed' : 'noted';
    } else {
      this.complete(attempt);
    }
  }

  private pendingOf(customer: string): string[] {
    return this.inbox
      .filter((row) => row.customer === customer && row.status === 'received')
      .map((row) => row.id);
  }

  /** @returns false when the snapshot was stale; then nothing was written */
  private commit(attempt: Attempt): boolean {
    const held = this.projection.get(attempt.customer);
    if (!held) return false;
    if (this.guarantees.versionFence && held.syncVersion !== attempt.syncVersion) return false;
    const settled = this.guarantees.noteBeforeFetch ? attempt.noted : this.pendingOf(attempt.customer);
    const rows = this.inbox.filter((row) => settled.includes(row.id) && row.status === 'received');
    if (attempt.snapshot.version < held.version) {
      this.violations.push(`${attempt.customer} went back from version ${held.version}`);
    }
    const counted = rows.reduce((sum, row) => sum + row.delta, held.quantity);
    this.projection.set(attempt.customer, {
      quantity: this.guarantees.replaces ? attempt.snapshot.quantity : counted,
      version: attempt.snapshot.version,
      syncVersion: held.syncVersion + 1,
    });
    for (const row of rows) row.status = 'processed';
    return true;
  }

  private complete(attempt: Attempt): void {
    this.remove(attempt);
    if (attempt.isZombie) return;
    if (!this.workflows.get(attempt.customer)?.isWoken) this.workflows.delete(attempt.customer);
  }

  private remove(attempt: Attempt): void {
    this.attempts.splice(this.attempts.indexOf(attempt), 1);
  }
}
