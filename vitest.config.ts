import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two test files at once: most of them start real servers, and more would only wait for the same cores.
    maxWorkers: 2,
    // Tests that say they may run side by side mostly wait.
    maxConcurrency: 3,
  },
});
