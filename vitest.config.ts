import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two test files at once: most of them start real servers, and more would only wait for the same cores.
    maxWorkers: 2,
    // Tests that say they may run side by side mostly wait.
    maxConcurrency: 3,
    projects: [
      { extends: true, test: { name: 'all', include: ['test/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'delayed log',
          // A few suites once more, on a log that is far away. `npm run long:delayed-log` runs all of them, with longer delays.
          include: ['test/server/{chat,guests}.test.ts'],
          env: {
            PARLEY_TEST_LOG: fileURLToPath(new URL('test/support/delayed-log.ts', import.meta.url)),
            PARLEY_TEST_LOG_MS: '50',
          },
        },
      },
    ],
  },
});
