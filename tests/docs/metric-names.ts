import { createGatewayMetrics } from '../../webhook-gateway/metrics.ts';
import { createWorkerMetrics } from '../../worker/metrics.ts';

/** The names of all metrics in the registries of gateway and worker; of histograms without their suffixes. */
export async function metricNames(): Promise<string[]> {
  const gateway = createGatewayMetrics();
  gateway.waiting('inbox', () => 0);
  gateway.waiting('waker', () => 0);
  const worker = createWorkerMetrics({
    readBacklog: async () => ({ rows: 0, oldestMs: 0, parkedRows: 0, failedRows: 0 }),
    readDunning: async () => ({
      openCases: [],
      atRisk: [],
      unreachable: 0,
      restrictedWithoutDebt: 0,
      mails: { waiting: 0, oldestMs: 0 },
    }),
    readReconcile: async () => ({ openDrift: [], ages: [] }),
    nowMs: Date.now,
  });
  const metrics = await Promise.all([gateway, worker].map(({ registry }) => registry.getMetricsAsJSON()));
  return [...new Set(metrics.flat().map((metric) => metric.name))];
}
