import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseSettings } from './settings.ts'

describe('parseSettings', () => {
  it('has a default for everything, also where a variable is empty', () => {
    const environment = { PORT: '', HOST: '', TRAINYARD_HOME: '', DATABASE_URL: '' }

    expect(parseSettings(environment)).toEqual({
      port: 3000,
      host: '127.0.0.1',
      home: resolve('.trainyard'),
      databaseUrl: null,
      workerThreads: availableParallelism(),
      keyPepper: null,
      environment,
    })
  })

  it.each([
    ['PORT', '70000', 'PORT must be a whole number from 0 to 65535, not 70000'],
    ['PORT', '3e3', 'PORT must be a whole number from 0 to 65535, not 3e3'],
    ['TRAINYARD_WORKER_THREADS', '0', /from 1 to 1024, not 0/],
    ['DATABASE_URL', 'mysql://root:hidden@db/x', /^(?!.*hidden).*must look like postgresql:/],
    ['TRAINYARD_KEY_PEPPER', 'abc', 'TRAINYARD_KEY_PEPPER must be 64 hex digits: 32 random bytes'],
  ])('says in one line what is wrong with %s=%s', (name, value, line) => {
    expect(() => parseSettings({ [name]: value })).toThrow(line)
  })
})
