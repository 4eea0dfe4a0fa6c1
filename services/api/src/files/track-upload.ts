/** A large upload can be looked at while it comes in, under the id that its data set will have. */
import {
  createId,
  type DatasetId,
  INGESTING_BYTES_MIN,
  type IngestPhase,
  type ProjectId,
} from '@trainyard/contracts'
import type { IngestStore } from '@trainyard/domain'
import type { Logger } from 'pino'

/** Well within the time after which a process that says nothing counts as dead. */
const REPORT_MS = 1000

export interface TrackedUpload {
  id: DatasetId
  /** Bytes that came, packed ones as they are. */
  received(bytes: number): void
  /** All bytes are there. */
  read(): void
  /** Whatever became of it: there is a data set now, or nothing. */
  end(): Promise<void>
}

export type TrackUpload = (
  projectId: ProjectId,
  upload: { name: string | null; bytesTotal: number | null },
) => TrackedUpload

/** Small uploads are over before anybody could ask; they cost no row. */
export function makeTrackUpload({
  ingests,
  log,
}: {
  ingests: Pick<IngestStore, 'put' | 'remove'>
  log: Logger
}): TrackUpload {
  return (projectId, { name, bytesTotal }) => {
    const id = createId('dataset')
    let phase: IngestPhase = 'receiving'
    let bytesReceived = 0
    let timer: NodeJS.Timeout | null = null
    let writing = Promise.resolve()

    // Progress is worth no upload: what cannot be written is tried again in a second.
    const report = () => {
      writing = writing
        .then(() => ingests.put({ id, projectId, name, phase, bytesReceived, bytesTotal }))
        .catch((error: unknown) => log.warn({ err: error, dataset: id }, 'progress is not stored'))
    }
    return {
      id,
      received(bytes) {
        bytesReceived += bytes
        if (timer !== null || bytesReceived < INGESTING_BYTES_MIN) return
        report()
        timer = setInterval(report, REPORT_MS)
      },
      read() {
        phase = 'reading'
        if (timer !== null) report()
      },
      async end() {
        if (timer === null) return
        clearInterval(timer)
        await writing
        await ingests
          .remove(id)
          .catch((error: unknown) => log.warn({ err: error, dataset: id }, 'progress stays'))
      },
    }
  }
}
