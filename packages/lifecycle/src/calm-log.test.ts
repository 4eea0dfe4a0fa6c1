import { pino } from 'pino'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createCalmLog } from './calm-log.ts'

let lines: { msg: string; times?: number; repeated?: string }[]
let log: pino.Logger
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
  lines = []
  log = pino(
    { level: 'debug', hooks: createCalmLog() },
    { write: (line) => lines.push(JSON.parse(line)) },
  )
})
afterEach(() => void vi.useRealTimers())

const fail = (job: string, code = 'unavailable') =>
  log.warn({ err: Object.assign(new Error(code), { code }), job }, 'could not be stored')

it('tells twice a minute of what fails again and again, and then how often it was', () => {
  for (let i = 0; i < 240; i++) {
    fail('job_1')
    vi.advanceTimersByTime(250)
  }
  vi.advanceTimersByTime(1000)
  fail('job_1')

  expect(lines.map(({ msg }) => msg)).toEqual([
    'could not be stored',
    'could not be stored',
    'was said so often',
    'could not be stored',
  ])
  expect(lines[2]).toMatchObject({ repeated: 'could not be stored', times: 240 })
})

it('keeps apart what is of another job or has another reason', () => {
  for (const job of ['job_1', 'job_2']) for (let i = 0; i < 3; i++) fail(job)
  for (let i = 0; i < 3; i++) fail('job_1', 'internal')

  expect(lines).toHaveLength(6)
})

it('leaves out nothing else', () => {
  for (let i = 0; i < 5; i++) log.info({ job: 'job_1' }, 'a job has ended')
  for (let i = 0; i < 5; i++) log.warn({ jobs: ['job_1'] }, 'deliveries were lost')

  expect(lines).toHaveLength(10)
})
