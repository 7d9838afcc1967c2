import { expect, onTestFinished, test, vi } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { type WakeOutcome, Waker } from '../../webhook-gateway/waker.ts';
import { readText } from './documents.ts';
import { metricNames } from './metric-names.ts';

const ruleSchema = z.strictObject({
  alert: z.string().regex(/^[A-Z]\w+$/),
  expr: z.string(),
  for: z
    .string()
    .regex(/^\d+[smhd]$/)
    .optional(),
  labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
  annotations: z.strictObject({ summary: z.string().min(10), runbook: z.string() }),
});
const rulesSchema = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string(), rules: z.array(ruleSchema).min(1) })),
});
const panelSchema = z.looseObject({
  title: z.string().min(1),
  type: z.enum(['row', 'timeseries']),
  targets: z.array(z.looseObject({ expr: z.string(), legendFormat: z.string() })).optional(),
});
const boardSchema = z.looseObject({ title: z.literal('tenantry'), panels: z.array(panelSchema) });

const GRID = z.strictObject({ x: z.int(), y: z.int(), w: z.int(), h: z.int() });

const alerts = rulesSchema
  .parse(parse(readText('docs/monitoring/alerts.yml')))
  .groups.flatMap((group) => group.rules);
const { panels } = boardSchema.parse(JSON.parse(readText('docs/monitoring/dashboard.json')));
const boardExpressions = panels.flatMap((panel) => (panel.targets ?? []).map((target) => target.expr));

/** The Temporal SDK's, which `tests/e2e/metrics.test.ts` looks for in a worker that has worked. */
const OF_THE_SDK = /^temporal_/;
/** Prefixes of every metric that one of our processes has; what else stands in an expression is PromQL's or a label. */
const METRIC = /\b(?:tenantry|process|nodejs|temporal)_\w+/g;
const metricsIn = (expression: string) =>
  (expression.match(METRIC) ?? []).map((name) => name.replace(/_(bucket|sum|count)$/, ''));

test.each([
  ...alerts.map(({ alert, expr }) => [alert, expr] as const),
  ...boardExpressions.map((expr) => ['the board', expr] as const),
])('%s: every metric of %s is in a registry', async (_, expression) => {
  const known = await metricNames();
  const named = metricsIn(expression).filter((name) => !OF_THE_SDK.test(name));
  expect(metricsIn(expression)).not.toHaveLength(0);
  for (const name of named) expect(known).toContain(name);
});

test('every metric of ours is on the board', async () => {
  const shown = new Set(boardExpressions.flatMap(metricsIn));
  for (const name of (await metricNames()).filter((known) => known.startsWith('tenantry_')))
    expect(shown).toContain(name);
});

const expressionOf = (name: string) => alerts.find(({ alert }) => alert === name)?.expr ?? '';

test('WakesFail looks at what an outage of ten minutes shows, however many subjects wait', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  for (const subjects of [1, 500]) {
    const outcomes: WakeOutcome[] = [];
    const waker = new Waker({
      wake: () => Promise.reject(new Error('Temporal is away')),
      isWriterBusy: () => false,
      isRefusal: () => false,
      onOutcome: (outcome) => outcomes.push(outcome),
      onError: () => undefined,
    });
    for (let subject = 0; subject < subjects; subject += 1) waker.notice(`cus_${subject}`);
    await vi.advanceTimersByTimeAsync(600_000);
    const shown = outcomes.slice(subjects === 1 ? -1 : -10);
    expect(shown).toEqual(Array(shown.length).fill(subjects === 1 ? 'gave_up' : 'retried'));
    expect(expressionOf('WakesFail')).toMatch(new RegExp(`outcome=~?"[^"]*\\b${shown[0]}\\b`));
  }
});

test('EventsFailed goes by the events that are failed now: it stands until they are mended', () => {
  expect(expressionOf('EventsFailed')).toBe('max(tenantry_inbox_failed_rows) > 0');
});

test('every alert has a runbook of its own in docs/operating.md, and no runbook is without its alert', () => {
  const runbooks = [...readText('docs/operating.md').matchAll(/^### ([A-Z][a-z]+[A-Z]\w+)$/gm)].map(
    ([, name]) => name,
  );
  expect(alerts.map(({ alert }) => alert)).toEqual(runbooks);
  for (const { alert, annotations } of alerts)
    expect(annotations.runbook).toBe(`docs/operating.md#${alert.toLowerCase()}`);
});

test('panels lie beside and below each other, each with its own number', () => {
  const taken = new Set<string>();
  for (const { id, gridPos } of z.array(z.looseObject({ id: z.int(), gridPos: GRID })).parse(panels)) {
    expect(taken).not.toContain(`panel ${id}`);
    taken.add(`panel ${id}`);
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect(taken).not.toContain(`${x}, ${y}`);
        taken.add(`${x}, ${y}`);
      }
    }
  }
});
