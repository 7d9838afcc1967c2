import { defineConfig } from 'vitest/config';

const shared = {
  pool: 'forks',
  testTimeout: 120_000,
  hookTimeout: 180_000,
  // Conditions are waited for, and a busy machine may take its time.
  expect: { poll: { timeout: 40_000 } },
} as const;

export default defineConfig({
  test: {
    // Most files wait for servers more than they compute.
    maxWorkers: 3,
    projects: [
      {
        test: {
          ...shared,
          name: 'rooms',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/e2e/**', 'tests/workflows/**', 'tests/replay/**', 'tests/dunning/**'],
          globalSetup: 'tests/global-setup.ts',
        },
      },
      {
        test: {
          ...shared,
          name: 'workflows',
          include: ['tests/{workflows,replay,dunning}/**/*.test.ts'],
          globalSetup: ['tests/workflows/bundle.ts', 'tests/global-setup.ts'],
        },
      },
      {
        test: {
          ...shared,
          name: 'end-to-end',
          include: ['tests/e2e/**/*.test.ts'],
          globalSetup: 'tests/e2e/build.ts',
        },
      },
    ],
  },
});
