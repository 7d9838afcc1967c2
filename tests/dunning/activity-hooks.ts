import { Context } from '@temporalio/activity';
import type { Activities, StripeActivities } from '../../activities/create-activities.ts';
import { Failure } from '../../domain/failures.ts';

type ActivityName = keyof (Activities & StripeActivities);
type Act = () => Promise<void>;
type Activity = (input: unknown) => Promise<unknown>;

/** Has something happen right before or after the next call of an activity that the worker runs. */
export class ActivityHooks {
  #before = new Map<string, Act>();
  #after = new Map<string, Act>();
  /** Beside each answer that is an object, so that a run's history grows. */
  padding: string | undefined;
  /** Does nobody hear of what the first try of each activity did? It is tried again then. */
  losesFirstAnswers = false;
  /** Calls of each activity, in order. */
  calls: { activity: string; input: unknown }[] = [];

  before(activity: ActivityName, act: Act): void {
    this.#before.set(activity, act);
  }

  after(activity: ActivityName, act: Act): void {
    this.#after.set(activity, act);
  }

  callsOf(activity: ActivityName): unknown[] {
    return this.calls.filter((call) => call.activity === activity).map((call) => call.input);
  }

  reset(): void {
    this.#before.clear();
    this.#after.clear();
    this.calls = [];
    this.padding = undefined;
    this.losesFirstAnswers = false;
  }

  /** The same activities with what a test has happen around them. */
  watch(activities: object): object {
    return Object.fromEntries(
      Object.entries(activities).map(([name, activity]: [string, Activity]) => [
        name,
        async (input: unknown) => {
          this.calls.push({ activity: name, input });
          this.#underWay += 1;
          try {
            return await this.#runOne(name, activity, input);
          } finally {
            this.#underWay -= 1;
          }
        },
      ]),
    );
  }

  /** What is going on, without asking the server. */
  get isIdle(): boolean {
    return this.#underWay === 0;
  }

  async #runOne(name: string, activity: Activity, input: unknown): Promise<unknown> {
          await taken(this.#before, name)?.();
          const result = await activity(input);
          await taken(this.#after, name)?.();
          if (this.losesFirstAnswers && Context.current().info.attempt === 1)
            throw new Failure('DatabaseUnavailable', 'The answer was lost');
          return this.padding === undefined || typeof result !== 'object'
            ? result
            : { ...result, padding: this.padding };
        },
      ]),
    );
  }
}

/** What is to happen, once. */
function taken(acts: Map<string, Act>, name: string): Act | undefined {
  const act = acts.get(name);
  acts.delete(name);
  return act;
}
