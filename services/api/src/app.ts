/**
 * The HTTP side as one object: everything it needs comes in as an argument, and nothing listens before `listen` is called.
 * Closing it marks it not ready, ends streams and long polls, and then waits for the requests under way.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import {
  type BatchPredictionId,
  ID_PREFIXES,
  type ModelId,
  type SweepId,
} from '@trainyard/contracts'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  LogController,
  type RawServerDefault,
} from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Deps } from './deps.ts'
import { createDatasetFiles } from './files/dataset-files.ts'
import { makeWithFiles } from './files/receive-files.ts'
import { makeAuthenticate } from './plugins/authentication.ts'
import { addJsonBodies } from './plugins/json-bodies.ts'
import { addKnownPaths } from './plugins/known-paths.ts'
import { addOpenApi } from './plugins/openapi.ts'
import {
  addProblemHandler,
  handleClientError,
  handleFrameworkError,
} from './plugins/problem-handler.ts'
import { addRequestLog, toRequestId } from './plugins/request-log.ts'
import { addSecurityHeaders } from './plugins/security-headers.ts'
import { addValidation } from './plugins/validation.ts'
import { addPatience, makeQuick } from './quick-store.ts'
import { createApiMetrics } from './routes/api-metrics.ts'
import { addDocs } from './routes/docs.ts'
import { addHealth } from './routes/health.ts'
import { addMetrics } from './routes/metrics.ts'
import { addProblems } from './routes/problems.ts'
import { addV1 } from './routes/v1/index.ts'
import { addV2 } from './routes/v2/index.ts'
import { createEventStreams, type StreamedId } from './streams/event-streams.ts'
import { createJobWatch } from './streams/job-watch.ts'
import { makeCheckReadiness } from './use-cases/check-readiness.ts'
import { makeDescribeModel, makeInfer } from './use-cases/infer.ts'
import { makeReadWeightBytes } from './use-cases/load-model.ts'
import { makeLoadVersion } from './use-cases/load-version.ts'
import { makeRunModel } from './use-cases/run-model.ts'

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** An id in a path may be as long as the headers; what is too long is not found, and no error of its own. */
const PARAM_LENGTH_MAX = 16 * 1024
/** How often Node looks for requests that did not arrive in time. */
const CHECK_MS = 5000
/** How long the headers of a request may take: Node's own default. */
const HEADERS_MS = 60_000

interface StreamedIds {
  sweep: SweepId
  model: ModelId
  batchPrediction: BatchPredictionId
}

function isOf<Noun extends keyof StreamedIds>(
  noun: Noun,
  id: StreamedId,
): id is StreamedId & StreamedIds[Noun] {
  return id.startsWith(`${ID_PREFIXES[noun]}_`)
}

export async function buildApp(deps: Deps): Promise<App> {
  const { settings, log, pulse } = deps
  const app: App = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: (request) => toRequestId(request.headers['x-request-id']),
    requestIdHeader: false,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    requestTimeout: settings.requestTimeoutMs,
    http: {
      connectionsCheckingInterval: Math.min(CHECK_MS, settings.requestTimeoutMs),
      // Node takes the larger of the two for whole requests, whichever it is.
      headersTimeout: Math.min(HEADERS_MS, settings.requestTimeoutMs),
    },
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX },
    clientErrorHandler: handleClientError,
    frameworkErrors: (error, request, reply) => void handleFrameworkError(error, request, reply),
  }).withTypeProvider<ZodTypeProvider>()

  const jobs = makeQuick(deps.jobs)
  const stores = {
    jobs: {
      ...jobs,
      metrics: deps.jobs.metrics,
      // What begins with a checkpoint waits for its copy, which takes seconds for a large network.
      insert: (...[job, request]: Parameters<typeof deps.jobs.insert>) =>
        (job.derivation === undefined ? jobs : deps.jobs).insert(job, request),
    },
    // Those of a large network take seconds to read.
    checkpoints: { ...makeQuick(deps.checkpoints), read: deps.checkpoints.read },
    // Ten thousand columns with their profile are megabytes: what took a minute to read is not lost to a slow write.
    datasets: { ...makeQuick(deps.datasets), insert: deps.datasets.insert },
    models: makeQuick(deps.models),
    batchPredictions: makeQuick(deps.batchPredictions),
    sweeps: makeQuick(deps.sweeps),
    idempotency: makeQuick(deps.idempotency),
    // A row that is written after its removal would stay; whoever removes it waits until it is there.
    ingests: { ...makeQuick(deps.ingests), put: deps.ingests.put },
  }
  const metrics = createApiMetrics(settings)
  const watch = createJobWatch(pulse)
  const streams = createEventStreams({
    readEvents: (id, afterSeq, limit) => {
      if (isOf('sweep', id)) return stores.sweeps.events(id, afterSeq, limit)
      if (isOf('model', id)) return stores.models.events(id, afterSeq, limit)
      if (isOf('batchPrediction', id)) return stores.batchPredictions.events(id, afterSeq, limit)
      return stores.jobs.events(id, afterSeq, limit)
    },
    ...{ watch, metrics, log },
    timing: settings.streams,
  })
  const draining = new AbortController()
  app.addHook('preClose', async () => {
    draining.abort()
    await streams.close()
    watch.close()
  })

  addKnownPaths(app)
  addValidation(app, settings)
  addProblemHandler(app)
  addRequestLog(app)
  addPatience(app)
  await addSecurityHeaders(app)
  addJsonBodies(app)
  await addOpenApi(app, settings)
  addMetrics(app, { metrics, jobs: stores.jobs })
  const checkReadiness = makeCheckReadiness({
    pingDatabase: deps.pingDatabase,
    isQueueHealthy: () => pulse.isHealthy(),
    isDraining: () => draining.signal.aborted,
    version: settings.version,
  })
  addHealth(app, { checkReadiness })
  addProblems(app)
  addDocs(app)
  const authenticate = makeAuthenticate({ keys: makeQuick(deps.keys), settings })
  // One memory of weights, whichever name they are asked for by.
  const readWeightBytes = makeReadWeightBytes(deps)
  const loadVersion = makeLoadVersion({ models: stores.models, readWeightBytes })
  const runModel = makeRunModel({
    thread: deps.predictions,
    onPredicted: ({ modelKind, rows, seconds }) => {
      metrics.inferenceRows.inc({ model_kind: modelKind }, rows)
      metrics.inferenceDuration.observe(seconds)
    },
  })
  const inference = { readWeightBytes, loadVersion, runModel }
  await app.register(async (scope) =>
    addV1(scope, {
      ...deps,
      ...stores,
      ...inference,
      authenticate,
      files: createDatasetFiles({
        folder: join(settings.scratchDir, 'datasets'),
        blobs: deps.blobs,
      }),
      withFiles: makeWithFiles(join(settings.scratchDir, 'uploads')),
      draining: draining.signal,
      streams,
      watch,
    }),
  )
  await app.register(async (scope) =>
    addV2(scope, {
      ...{ authenticate, checkReadiness, settings },
      describeModel: makeDescribeModel(stores),
      infer: makeInfer(inference),
    }),
  )
  return app
}
