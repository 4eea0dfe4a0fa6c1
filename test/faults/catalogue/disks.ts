/** Disks of Postgres that run full: what was accepted is kept, and everything goes on once there is room. */
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { waitFor } from '../../support/wait-for.ts'
import type { Fault } from '../fault.ts'
import type { Findings } from '../rig/findings.ts'
import type { Submission } from '../rig/journal.ts'
import { secondsToAccept, startJob, submitAtRate, submitUnknownAgain } from '../rig/load.ts'
import type { Rig } from '../rig/rig.ts'
import { makeSmallDisk } from '../rig/small-disk.ts'
import { ANSWER_SECONDS_MAX, BACK_SECONDS_MAX, postgresOutage } from './postgres.ts'

const DISK_MB = 192
const kinds = ['tiny', 'adam_dropout'] as const
const unable = () => (process.getuid?.() === 0 ? null : 'a small file system needs root')

export const f20: Fault = {
  id: 'F20',
  title: 'the disk of Postgres full for 15 s',
  kinds,
  disk: makeSmallDisk('data', DISK_MB),
  unable,
  async run(rig, findings) {
    const running = [await startJob(rig, 'adam_dropout'), await startJob(rig, 'adam_dropout')]
    const ballast = ballastOf(rig)
    await fill(ballast)
    const sent = await submitAtRate(rig, 'tiny', { perSecond: 20, seconds: 15 })
    const read = await rig.send('GET', `/v1/jobs/${running[0]}`)
    await rm(ballast)
    findings.equal('a read meanwhile', read.status, 200)
    const refusals = holdAnswers(findings, sent)
    findings.equal('it was full', refusals.includes(507), true)
    findings.atMost(
      'first accepted once there is room, s',
      await secondsToAccept(rig, 'tiny'),
      BACK_SECONDS_MAX,
    )
    await submitUnknownAgain(rig, sent)
    await rig.settle()
    const failed = await rig.query(`SELECT id FROM jobs WHERE status = 'failed'`)
    findings.equal('jobs failed by the disk', failed.length, 0)
  },
}

export const f21: Fault = {
  id: 'F21',
  title: 'the disk of the write-ahead log full until Postgres gives up, down for 15 s',
  kinds,
  disk: makeSmallDisk('log', DISK_MB),
  unable,
  async run(rig, findings) {
    const ballast = ballastOf(rig)
    let filling: Submission[] = []
    await postgresOutage(rig, findings, {
      seconds: 15,
      perSecond: 20,
      async begin() {
        // Else its recovery makes room for itself, from the log before its checkpoint.
        await rig.query(`SELECT pg_create_physical_replication_slot('nobody', true)`)
        const load = submitAtRate(rig, 'tiny', { perSecond: 50, seconds: 5 })
        await fill(ballast)
        await writeUntilGone(rig)
        filling = await load
      },
      async end() {
        await rm(ballast)
        await rig.postgres.server.start()
      },
    })
    holdAnswers(findings, filling)
    await submitUnknownAgain(rig, filling)
    await rig.settle()
  },
}

function ballastOf({ disk }: Rig): string {
  if (disk === null) throw new Error('this rig has no disk of its own')
  return join(disk.path, 'ballast')
}

/** Each is answered in time, and told when to come back unless it is accepted. Returns the statuses of the refusals. */
function holdAnswers(findings: Findings, submissions: readonly Submission[]): (number | null)[] {
  const attempts = submissions.flatMap(({ attempts: all }) => all)
  const counts = new Map<number | null, number>()
  for (const { status } of attempts) counts.set(status, (counts.get(status) ?? 0) + 1)
  findings.note('answers', JSON.stringify(Object.fromEntries(counts)))
  const others = [...counts.keys()].filter((status) => ![201, 503, 507].includes(status ?? 0))
  findings.equal('answers other than 201, 503 and 507', others, [])
  const refusals = attempts.filter(({ status }) => status !== 201)
  const endless = refusals.filter(({ retryAfter }) => retryAfter === null)
  findings.equal('refusals without Retry-After', endless.length, 0)
  const slowest = Math.max(...attempts.map(({ durationMs }) => durationMs)) / 1000
  findings.atMost('slowest answer, s', slowest, ANSWER_SECONDS_MAX)
  return refusals.map(({ status }) => status)
}

/**
 * Writes to the log until nobody listens any more. Postgres restarts after the first panics and finds a little room behind its
 * last record, hence records that leave less of it than a checkpoint needs.
 */
async function writeUntilGone(rig: Rig): Promise<void> {
  const records = `SELECT count(pg_logical_emit_message(false, 'rig', repeat('x', 50))) FROM generate_series(1, 5000)`
  const isGone = () =>
    rig.query(records).then(
      () => false,
      ({ code }: { code?: string }) => code === 'ECONNREFUSED',
    )
  await waitFor('Postgres gives up', isGone, 60_000)
}

/** Until there is no room for another page. */
async function fill(path: string): Promise<void> {
  const file = await open(path, 'a')
  const bytes = Buffer.alloc(1024 ** 2, 1)
  try {
    for (;;) await file.write(bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    await file.close()
  }
}
