import type { Notice } from '../domain/notification.ts';

/** Things that a mail tells of and that are closer than this may fall on one day. */
const SHORT_STAGE_MS = 48 * 60 * 60 * 1000;
/** What would end a line, forge another one or turn the direction of writing; and halves of characters. */
const CONTROLS = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu;
const LINKS: ReadonlySet<string> = new Set(['pay_url', 'app_url', 'link']);

/** What templates see: all that the notice tells, and these. */
export type MailView = {
  [name: string]: unknown;
  /** The one that amounts and dates are written in. */
  locale: string;
  time_zone: string;
  /** Does the filter `when` say the time beside the day? */
  with_time: boolean;
};

/**
 * Makes what a notice tells safe for lines of text and for links: a name can't begin a line or a header of its own, and
 * a link that doesn't lead to the web is null.
 */
export function mailView(data: Notice['data'], locale: string): MailView {
  const told = Object.entries(data).map(([name, value]) => [
    name,
    LINKS.has(name) ? webLink(value) : withoutControls(value),
  ]);
  return {
    app_url: null,
    ...Object.fromEntries(told),
    locale,
    time_zone: 'time_zone' in data ? data.time_zone : 'UTC',
    with_time: 'next' in data && hasShortStages(data),
  };
}

function withoutControls(value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll(CONTROLS, ' ').trim() : value;
}

function webLink(value: unknown): string | null {
  if (typeof value !== 'string' || !URL.canParse(value)) return null;
  const { protocol, href } = new URL(value);
  return protocol === 'https:' || protocol === 'http:' ? href : null;
}

function hasShortStages({ since, next }: { since: string; next: readonly { at: string }[] }): boolean {
  const times = [since, ...next.map(({ at }) => at)].map((instant) => Date.parse(instant));
  return times.some((time, index) => {
    const before = times[index - 1];
    return before !== undefined && time !== before && time - before < SHORT_STAGE_MS;
  });
}
