import {
  type CaseFile,
  type DunningDecision,
  type DunningSituation,
  decideDunning,
  plannedStages,
} from '../../domain/dunning.ts';
import type { Invariant } from './witness.ts';
import { ALL_GUARANTEES, type Deciders, GOOD_DECIDERS, type Guarantees } from './world.ts';

/** A guard taken away, and the invariant that has to turn red. */
export type Weakness = {
  without: string;
  reddens: Invariant;
  deciders?: Deciders;
  guarantees?: Guarantees;
};

const LONG_AGO = new Date(0);

/** Decides as if the situation were another one. */
const blindTo = (change: (situation: DunningSituation) => Partial<DunningSituation>): Deciders => ({
  ...GOOD_DECIDERS,
  decide: (situation) => decideDunning({ ...situation, ...change(situation) }),
});

const blindToFile = (change: (file: CaseFile) => Partial<CaseFile>): Deciders =>
  blindTo(({ file }) => ({ file: { ...file, ...change(file) } }));

type Notice = CaseFile['steps'][number]['notice'];

const withNotices = (change: (notice: Exclude<Notice, null>) => Notice): Deciders =>
  blindToFile(({ steps }) => ({
    steps: steps.map((step) => ({ ...step, notice: step.notice && change(step.notice) })),
  }));

/** Does something else than what was decided. */
const insteadOf = (
  change: (decision: DunningDecision, situation: DunningSituation) => DunningDecision,
): Deciders => ({
  ...GOOD_DECIDERS,
  decide: (situation) => change(decideDunning(situation), situation),
});

const lacking = (guarantee: keyof Guarantees): Guarantees => ({ ...ALL_GUARANTEES, [guarantee]: false });

/** Only the stage after the one that was entered last is due: what was missed comes one after the other. */
const oneByOne = blindTo(({ calendar, file }) => {
  const entered = calendar.stages.findLastIndex((stage) =>
    file.steps.some((step) => step.anchor === file.anchor && step.stage === stage.name),
  );
  return { calendar: { ...calendar, stages: calendar.stages.slice(0, entered + 2) } };
});

/** What each guard is there for. */
export const WEAKNESSES: readonly Weakness[] = [
  { without: 'a record of what was sent', reddens: 'noticeOnce', guarantees: lacking('recordsSending') },
  {
    without: 'a last look at the invoice',
    reddens: 'noticeOfDebt',
    guarantees: { ...lacking('readsAgain'), asksAgain: false },
  },
  {
    without: 'the warning time',
    reddens: 'toldBefore',
    deciders: withNotices((notice) => (notice.status === 'sent' ? { ...notice, sentAt: LONG_AGO } : notice)),
  },
  {
    without: 'waiting for the announcing notice',
    reddens: 'toldBefore',
    deciders: withNotices((notice) =>
      notice.status === 'queued' ? { status: 'sent', sentAt: LONG_AGO } : notice,
    ),
  },
  {
    without: 'waiting for an address',
    reddens: 'toldBefore',
    deciders: withNotices((notice) =>
      notice.status === 'failed' ? { status: 'sent', sentAt: LONG_AGO } : notice,
    ),
  },
  {
    without: 'telling when at the earliest',
    reddens: 'promiseKept',
    deciders: {
      ...GOOD_DECIDERS,
      plan: (situation) =>
        plannedStages(situation).map((stage) => ({ ...stage, at: new Date(stage.at.getTime() + 60_000) })),
    },
  },
  {
    without: 'the mail of an effect’s own stage',
    reddens: 'mailFirst',
    deciders: blindTo(({ file, calendar }) => ({
      file: {
        ...file,
        steps: file.steps.map((step) =>
          calendar.stages.some(({ name, effect }) => name === step.stage && effect !== undefined)
            ? { ...step, notice: null }
            : step,
        ),
      },
    })),
  },
  {
    without: 'regard to what is in force',
    reddens: 'onlyHarder',
    deciders: insteadOf((decision) =>
      decision.do === 'enter' ? { ...decision, access: 'active' } : decision,
    ),
  },
  {
    without: 'the pause',
    reddens: 'heldStill',
    deciders: blindToFile(() => ({ pausedUntil: null })),
  },
  {
    without: 'patience with money on its way',
    reddens: 'heldStill',
    deciders: blindTo(({ unpaid }) => ({
      unpaid: unpaid.map((invoice) => ({ ...invoice, isProcessing: false })),
    })),
  },
  {
    without: 'waiting for an operator to find an address',
    reddens: 'heldStill',
    deciders: withNotices((notice) => (notice.status === 'failed' ? { status: 'suppressed' } : notice)),
  },
  {
    without: 'quiet times',
    reddens: 'quiet',
    deciders: blindTo(({ calendar }) => ({ calendar: { ...calendar, allowedFrom: (instant) => instant } })),
  },
  {
    without: 'easing',
    reddens: 'easedAtOnce',
    deciders: insteadOf((decision, { file }) =>
      decision.do === 'follow' ? { ...decision, access: file.access } : decision,
    ),
  },
  {
    without: 'following the oldest',
    reddens: 'easedAtOnce',
    deciders: blindTo(({ unpaid, file }) => {
      const followed = unpaid.filter(({ id }) => id === file.anchor);
      return followed.length > 0 ? { unpaid: followed } : {};
    }),
  },
  {
    without: 'an end for who paid',
    reddens: 'closedAtOnce',
    deciders: insteadOf((decision, { now }) =>
      decision.do === 'close'
        ? { do: 'wait', until: new Date(now.getTime() + 60_000), because: 'next_stage' }
        : decision,
    ),
  },
  {
    without: 'regard to how it ended',
    reddens: 'outcome',
    deciders: blindTo(() => ({ lastAnchorStatus: null })),
  },
  { without: 'leaving out what was missed', reddens: 'noBurst', deciders: oneByOne },
  {
    without: 'asking once more before a notice goes',
    reddens: 'noBurst',
    guarantees: lacking('asksAgain'),
  },
  { without: 'heeding a refusal', reddens: 'refused', guarantees: lacking('refuses') },
  {
    without: 'refusing what makes no sense',
    reddens: 'waitsForSomething',
    deciders: { ...GOOD_DECIDERS, refuse: () => undefined },
  },
  { without: 'a record of what was entered', reddens: 'noCircle', guarantees: lacking('recordsEntering') },
  {
    without: 'a time to wait for',
    reddens: 'waitsForSomething',
    deciders: insteadOf((decision) =>
      decision.do === 'wait' && decision.because === 'next_stage' ? { ...decision, until: null } : decision,
    ),
  },
  {
    without: 'the last effect',
    reddens: 'ends',
    deciders: insteadOf((decision, { now }) =>
      decision.do === 'apply' && decision.effect === 'write_off'
        ? { do: 'wait', until: new Date(now.getTime() + 60_000), because: 'next_stage' }
        : decision,
    ),
  },
];
