import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Clusters of real servers compete for the machine; one file of them at a time keeps figures honest.
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 30_000 } },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: ['test/{contract,integration,e2e}/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
