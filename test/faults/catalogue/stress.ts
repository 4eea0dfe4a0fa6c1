/** Every part of the services is opened and closed again and again, and leaves nothing behind. */
import { setTimeout as delay } from 'node:timers/promises'
import { openConsumer, openProducer, openPulse } from '../../../packages/queue/src/index.ts'
import { openDatabase, openLeadership } from '../../../packages/store/src/index.ts'
import { startScheduler } from '../../../services/scheduler/src/scheduler.ts'
import type { Fault } from '../fault.ts'
import { LEASE_SECONDS, type Rig } from '../rig/rig.ts'
import { silentLog } from '../rig/silent-log.ts'

const LOOPS = 10
const TIMES = 50

export const f41: Fault = {
  id: 'F41',
  title: `${LOOPS} loops that each start and stop scheduler, queue and stores ${TIMES} times`,
  kinds: ['tiny'],
  // Counts the sockets of this process: another fault beside it has some too.
  needsMachine: true,
  async run(rig, findings) {
    await startAndStop(rig)
    const before = await countHandles(rig)
    const loop = async () => {
      for (let i = 0; i < TIMES; i++) await startAndStop(rig)
    }
    await Promise.all(Array.from({ length: LOOPS }, loop))
    const after = await countHandles(rig)
    // The rig's own, to the API, may end meanwhile.
    findings.atMost('sockets left over', Math.max(0, after.sockets - before.sockets), 0)
    findings.equal('sessions left over', after.sessions, 0)
    await rig.submitUntilAccepted('tiny')
    await rig.settle()
  },
}

async function startAndStop(rig: Rig): Promise<void> {
  const queue = {
    databaseUrl: rig.stack.databaseUrl,
    redisUrl: rig.redis?.server.url ?? null,
    onError: () => undefined,
  }
  const database = openDatabase({
    connectionString: rig.stack.databaseUrl,
    applicationName: 'stress',
    connectionsMax: 2,
    onError: () => undefined,
  })
  await database.$queryRaw`SELECT 1`
  const leadership = openLeadership(rig.stack.databaseUrl)
  const producer = await openProducer(queue)
  const pulse = await openPulse({ ...queue, name: 'stress' })
  const consumer = await openConsumer(queue, 1, async () => undefined)
  const scheduler = startScheduler({
    ...rig.stack.stores,
    producer,
    pulse,
    leadership,
    log: silentLog,
    leaseSeconds: LEASE_SECONDS,
    checkpointDays: 30,
    jobMemoryBytesMax: 2 * 1024 ** 3,
    sweeps: rig.stack.stores.sweepRuns,
  })
  await scheduler.stop()
  await consumer.close()
  await Promise.all([pulse.close(), producer.close(), leadership.close(), database.$disconnect()])
}

async function countHandles(rig: Rig): Promise<{ sockets: number; sessions: number }> {
  // Sockets end a moment after their closing.
  await delay(2000)
  const handles = process.getActiveResourcesInfo().filter((name) => name !== 'Timeout')
  const [row] = await rig.query<{ sessions: number }>(
    `SELECT count(*)::int AS sessions FROM pg_stat_activity
     WHERE application_name = 'stress' OR application_name LIKE '%-stress'`,
  )
  const sockets = handles.filter((name) => name.includes('TCP')).length
  return { sockets, sessions: row?.sessions ?? 0 }
}
