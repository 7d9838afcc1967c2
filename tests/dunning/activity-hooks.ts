import { Context } from '@temporalio/activity';
import type { Activities, StripeActivities } from '../../activities/create-activities.ts';
import { Failure } from '../../domain/failures.ts';

type ActivityName = keyof (Activities & StripeActivities);
type Act = () => Promise<void>;
type Activity = (input: unknown) => Promise<unknown>;

/** Has something happen around the activities that the workers run, and knows what they run. */
export class ActivityHooks {
  /** Beside each answer that is an object, so that a run's history grows. */
  padding: string | undefined;
  /** Does nobody hear of what the first try of each activity did? It is tried again then. */
  losesFirstAnswers = false;
  readonly #before = new Map<string, Act>();
  readonly #after = new Map<string, Act>();
  #calls: { activity: string; input: unknown }[] = [];
  #underWay = 0;

  /** Right before the next call of an activity. */
  before(activity: ActivityName, act: Act): void {
    this.#before.set(activity, act);
  }

  /** Right after the next call of an activity, and before its workflow hears of it. */
  after(activity: ActivityName, act: Act): void {
    this.#after.set(activity, act);
  }

  /** What it was called with, in order. */
  callsOf(activity: ActivityName): unknown[] {
    return this.#calls.filter((call) => call.activity === activity).map((call) => call.input);
  }

  get isIdle(): boolean {
    return this.#underWay === 0;
  }

  reset(): void {
    this.#before.clear();
    this.#after.clear();
    this.#calls = [];
    this.padding = undefined;
    this.losesFirstAnswers = false;
  }

  /** The same activities with what a test has happen around them. */
  watch(activities: object): object {
    return Object.fromEntries(
      Object.entries(activities).map(([name, activity]: [string, Activity]) => [
        name,
        (input: unknown) => this.#run(name, activity, input),
      ]),
    );
  }

  async #run(name: string, activity: Activity, input: unknown): Promise<unknown> {
    this.#calls.push({ activity: name, input });
    this.#underWay += 1;
    try {
      await taken(this.#before, name)?.();
      const result = await activity(input);
      await taken(this.#after, name)?.();
      if (this.losesFirstAnswers && Context.current().info.attempt === 1)
        throw new Failure('DatabaseUnavailable', 'The answer was lost');
      return this.padding === undefined || typeof result !== 'object'
        ? result
        : { ...result, padding: this.padding };
    } finally {
      this.#underWay -= 1;
    }
  }
}

/** What is to happen, once. */
function taken(acts: Map<string, Act>, name: string): Act | undefined {
  const act = acts.get(name);
  acts.delete(name);
  return act;
}
