import { defineConfig } from 'vitest/config'

const postgres = 'test/support/postgres.setup.ts'

/** When a test is taken to hang. Promises about time are assertions of the tests that make them. */
const HANG_MS = 30_000

export default defineConfig({
  test: {
    reporters: ['default', './test/support/queue-reporter.ts'],
    // By default one core is left over; these tests wait more than they compute.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'pure',
          testTimeout: HANG_MS,
          hookTimeout: HANG_MS,
          include: [
            'packages/{contracts,domain,engine,datasets,model,formats,lifecycle,sweeps}/**/*.test.ts',
            'test/architecture/**/*.test.ts',
            'test/compose/**/*.test.ts',
            'test/docs/**/*.test.ts',
            'test/faults/rig/**/*.test.ts',
          ],
        },
      },
      {
        test: {
          name: 'postgres',
          testTimeout: HANG_MS,
          hookTimeout: HANG_MS,
          include: ['packages/{store,queue}/**/*.test.ts', 'services/**/*.test.ts'],
          globalSetup: postgres,
        },
      },
      {
        // Whole stacks of processes: one after the other, or they measure each other.
        test: {
          name: 'processes',
          include: [
            'packages/local/**/*.test.ts',
            'test/{e2e,local}/**/*.test.ts',
            'test/faults/*.test.ts',
          ],
          globalSetup: postgres,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
