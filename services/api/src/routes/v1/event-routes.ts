/** The histories that can be read and followed, and what each of them is of. */
import {
  batchPredictionEventSchema,
  eventSchema,
  modelEventSchema,
  type ProjectId,
  sweepEventSchema,
} from '@trainyard/contracts'
import {
  type BatchPredictionStore,
  isSweepEnded,
  isTerminal,
  type JobStore,
  type ModelStore,
  type SweepStore,
} from '@trainyard/domain'
import type { App } from '../../app.ts'
import type { StreamedId } from '../../streams/event-streams.ts'
import { findBatchPrediction } from '../../use-cases/find-batch-prediction.ts'
import { findJob } from '../../use-cases/find-job.ts'
import { findModel } from '../../use-cases/find-model.ts'
import { findSweep } from '../../use-cases/find-sweep.ts'
import { type EventSource, makeListEvents, makeStartStream } from '../../use-cases/read-events.ts'
import { addReadEvents, type ReadEventsDeps } from './read-events.ts'

type Histories = 'find' | 'events' | 'eventSeq'

interface EventRouteDeps extends Pick<ReadEventsDeps, 'streams' | 'authenticate'> {
  jobs: Pick<JobStore, Histories>
  sweeps: Pick<SweepStore, Histories>
  models: Pick<ModelStore, Histories>
  batchPredictions: Pick<BatchPredictionStore, Histories>
}

export function addEventRoutes(app: App, deps: EventRouteDeps): void {
  const { jobs, sweeps, models, batchPredictions } = deps
  const add = <Id extends StreamedId, Item extends { id: string; seq: number }>(
    source: EventSource<Id, Item>,
    of: Parameters<typeof addReadEvents>[2],
  ) => {
    const [listEvents, startStream] = [makeListEvents(source), makeStartStream(source)]
    addReadEvents(app, { ...deps, listEvents, startStream }, of)
  }

  add(
    {
      ...jobs,
      find: async (projectId: ProjectId, id: string) => {
        const job = await findJob(jobs, projectId, id)
        return { id: job.id, hasEnded: isTerminal(job.status) }
      },
    },
    { path: '/v1/jobs/:id/events', tag: 'Jobs', noun: 'job', event: eventSchema },
  )
  add(
    {
      ...sweeps,
      find: async (projectId: ProjectId, id: string) => {
        const sweep = await findSweep(sweeps, projectId, id)
        return { id: sweep.id, hasEnded: isSweepEnded(sweep.status) }
      },
    },
    { path: '/v1/sweeps/:id/events', tag: 'Sweeps', noun: 'sweep', event: sweepEventSchema },
  )
  add(
    {
      ...models,
      // A deleted name can be registered again: its history has no end.
      find: async (projectId: ProjectId, name: string) => {
        const { id } = await findModel(models, projectId, name)
        return { id, hasEnded: false }
      },
    },
    {
      ...{ path: '/v1/models/:name/events', place: 'name', tag: 'Models' },
      ...{ noun: 'model', event: modelEventSchema },
    },
  )
  add(
    {
      ...batchPredictions,
      find: async (projectId: ProjectId, id: string) => {
        const batch = await findBatchPrediction(batchPredictions, projectId, id)
        return { id: batch.id, hasEnded: isTerminal(batch.status) }
      },
    },
    {
      ...{ path: '/v1/batch_predictions/:id/events', tag: 'Batch predictions' },
      ...{ noun: 'batch prediction', event: batchPredictionEventSchema },
    },
  )
}
