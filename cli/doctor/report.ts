import type { Finding, FindingStatus } from './finding.ts';

export type Report = { ok: boolean; findings: Finding[] };

const STATUSES = ['red', 'warning', 'ok'] as const satisfies readonly FindingStatus[];

/** Warnings are worth a look, but no failure. */
export function reportOf(findings: Finding[]): Report {
  return { ok: findings.every(({ status }) => status !== 'red'), findings };
}

/** For people: a line for each finding, what mends it below, and the sum at the end. */
export function printReport({ findings }: Report): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const indent = ' '.repeat(STATUS_WIDTH + width + 2);
  const lines = findings.flatMap(({ check, status, detail, fix }) => [
    `${status.padEnd(STATUS_WIDTH)}${check.padEnd(width)}  ${detail}`,
    ...(fix === null ? [] : [`${indent}→ ${fix}`]),
  ]);
  const counts = STATUSES.map((status) => ({
    status,
    count: findings.filter((finding) => finding.status === status).length,
  }));
  const sum = counts.map(({ status, count }) => `${count} ${status}`).join(', ');
  return [...lines, '', sum].join('\n');
}

/** `warning` and two spaces. */
const STATUS_WIDTH = 9;
