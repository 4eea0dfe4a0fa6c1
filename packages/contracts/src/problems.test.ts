import { expect, it } from 'vitest'
import { PROBLEMS, problemSchema } from './problems.ts'

const problems = Object.entries(PROBLEMS)

it.each(problems)(
  '%s has a code in snake case, an error status and a title without a full stop',
  (code, kind) => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
    expect(kind.status).toBeGreaterThanOrEqual(400)
    expect(kind.status).toBeLessThan(600)
    expect(kind.title).toMatch(/^[A-Z].*[^.]$/)
  },
)

it('gives every code a title of its own', () => {
  expect(new Set(problems.map(([, kind]) => kind.title)).size).toBe(problems.length)
})

it('says "try again" of every fault of ours, and of a caller’s only when time alone can mend it', () => {
  const retryable = problems.filter(([, kind]) => kind.retryable)
  const ours = problems.filter(([, kind]) => kind.status >= 500)

  expect(ours.map(([code, kind]) => [code, kind.retryable])).toEqual(
    ours.map(([code]) => [code, true]),
  )
  for (const [, kind] of retryable.filter(([, kind]) => kind.status < 500)) {
    expect([408, 409, 425, 429]).toContain(kind.status)
  }
})

it('lets a document carry facts of its own beside the fields of RFC 9457', () => {
  const document = {
    type: 'https://example.com/errors/job_not_found',
    title: PROBLEMS.job_not_found.title,
    status: 404,
    detail: 'There is no job job_1.',
    instance: '/v1/jobs/job_1',
    code: 'job_not_found',
    request_id: 'req_1',
    retryable: false,
    errors: [{ detail: 'is not a job', pointer: '#/id' }],
    job_id: 'job_1',
  }

  expect(problemSchema.parse(document)).toEqual(document)
})
