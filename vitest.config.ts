import { defineConfig } from 'vitest/config'

const postgres = 'test/support/postgres.setup.ts'

export default defineConfig({
  test: {
    reporters: ['default', './test/support/queue-reporter.ts'],
    projects: [
      {
        test: {
          name: 'pure',
          include: [
            'packages/{contracts,domain,engine,datasets,model,formats,lifecycle}/**/*.test.ts',
            'test/architecture/**/*.test.ts',
            'test/compose/**/*.test.ts',
            'test/docs/**/*.test.ts',
          ],
        },
      },
      {
        test: {
          name: 'postgres',
          include: ['packages/{store,queue}/**/*.test.ts', 'services/**/*.test.ts'],
          globalSetup: postgres,
        },
      },
      {
        // Whole stacks of processes: one after the other, or they measure each other.
        test: {
          name: 'processes',
          include: ['packages/local/**/*.test.ts', 'test/{e2e,local}/**/*.test.ts'],
          globalSetup: postgres,
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
