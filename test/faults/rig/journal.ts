/**
 * What the client knows, on disk before and after each request: a promise of the service counts from the moment that its
 * answer is in here. An outcome is `ok` (2xx), `fail` (refused, so nothing was done), or `unknown`: no answer, or one of
 * the server's errors, behind which the job may have been accepted or not.
 */
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Outcome = 'ok' | 'fail' | 'unknown'

export interface Attempt {
  outcome: Outcome
  /** Null: no answer. */
  status: number | null
  retryAfter: string | null
  durationMs: number
  /** `Date.now()` at the answer. */
  atMs: number
}

export interface Submission {
  number: number
  kind: string
  /** Of all attempts of it, so that it is carried out once. */
  idempotencyKey: string
  attempts: Attempt[]
  /** Known from the first answer `ok`. */
  jobId: string | null
}

export interface Journal {
  submissions: readonly Submission[]
  begin(kind: string): Promise<Submission>
  end(submission: Submission, attempt: Attempt, jobId: string | null): Promise<void>
  remove(): Promise<void>
}

export async function openJournal(): Promise<Journal> {
  const folder = await mkdtemp(join(tmpdir(), 'trainyard-journal-'))
  const file = await open(join(folder, 'journal.ndjson'), 'a')
  const submissions: Submission[] = []
  const write = async (line: object) => {
    await file.appendFile(`${JSON.stringify(line)}\n`)
    await file.datasync()
  }
  return {
    submissions,
    async begin(kind) {
      const number = submissions.length
      const idempotencyKey = `fault-${number}`
      const submission: Submission = { number, kind, idempotencyKey, attempts: [], jobId: null }
      submissions.push(submission)
      await write({ number, kind })
      return submission
    },
    async end(submission, attempt, jobId) {
      submission.attempts.push(attempt)
      submission.jobId ??= jobId
      await write({ number: submission.number, ...attempt, jobId })
    },
    async remove() {
      await file.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
