import { defineConfig } from 'vitest/config';

// Contract suites start servers.
export default defineConfig({ test: { testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false } });
