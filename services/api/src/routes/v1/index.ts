/** All routes under /v1 with their use cases. A key is asked for here, once, for all of them. */
import { randomInt } from 'node:crypto'
import type { App } from '../../app.ts'
import type { Deps } from '../../deps.ts'
import type { DatasetFiles } from '../../files/dataset-files.ts'
import type { WithFiles } from '../../files/receive-files.ts'
import { makeTrackUpload } from '../../files/track-upload.ts'
import { type Authenticate, addAuthentication } from '../../plugins/authentication.ts'
import type { EventStreams } from '../../streams/event-streams.ts'
import type { JobWatch } from '../../streams/job-watch.ts'
import { makeCancelJob } from '../../use-cases/cancel-job.ts'
import { makeChangeDataset } from '../../use-cases/change-dataset.ts'
import { makeCheckGradient } from '../../use-cases/check-gradient.ts'
import { makeCheckSweep } from '../../use-cases/check-sweep.ts'
import { makeCommandSweep } from '../../use-cases/command-sweep.ts'
import { makeComputeTrace } from '../../use-cases/compute-trace.ts'
import { makeCreateBatchPrediction } from '../../use-cases/create-batch-prediction.ts'
import { makeCreateDataset } from '../../use-cases/create-dataset.ts'
import { makeCreateJob } from '../../use-cases/create-job.ts'
import { makeCreateModel } from '../../use-cases/create-model.ts'
import { makeCreateSweep } from '../../use-cases/create-sweep.ts'
import { makeDeleteDataset } from '../../use-cases/delete-dataset.ts'
import { makeDeleteJob } from '../../use-cases/delete-job.ts'
import { makeCloneJob, makeForkJob, makeRepeatJob } from '../../use-cases/derive-job.ts'
import { type DescribeModel, makeDescribeModel } from '../../use-cases/describe-model.ts'
import { makeDiagnoseJob } from '../../use-cases/diagnose-job.ts'
import { makeEvaluateJob } from '../../use-cases/evaluate-job.ts'
import { makeExplainJob } from '../../use-cases/explain-job.ts'
import { makeExplainSweep } from '../../use-cases/explain-sweep.ts'
import { type ExportModel, makeExportModel } from '../../use-cases/export-model.ts'
import { makeFindJudgedRows } from '../../use-cases/find-judged-rows.ts'
import { type LoadModel, makeLoadModel, type ReadWeightBytes } from '../../use-cases/load-model.ts'
import type { LoadVersion } from '../../use-cases/load-version.ts'
import { makePauseJob } from '../../use-cases/pause-job.ts'
import { makePredict, makePredictByModel } from '../../use-cases/predict.ts'
import { makePreviewAugmentation } from '../../use-cases/preview-augmentation.ts'
import { makePreviewSweep } from '../../use-cases/preview-sweep.ts'
import { makeFindTrainingFacts, makeQuoteJob } from '../../use-cases/quote-job.ts'
import {
  type LoadCheckpoint,
  makeListCheckpoints,
  makeLoadCheckpoint,
  makeReadCheckpoint,
} from '../../use-cases/read-checkpoints.ts'
import { makeReadDataset } from '../../use-cases/read-dataset.ts'
import { makeReadDatasetProfile } from '../../use-cases/read-dataset-profile.ts'
import { makeReadDatasetRows } from '../../use-cases/read-dataset-rows.ts'
import { makeReadJob } from '../../use-cases/read-job.ts'
import { makeReadLayers } from '../../use-cases/read-layers.ts'
import { makeReadHistory, type ReadHistory } from '../../use-cases/read-metrics.ts'
import { makeReadSplit } from '../../use-cases/read-split.ts'
import { makeReadSweep } from '../../use-cases/read-sweep.ts'
import {
  makeReadJobWeights,
  makeReadModelCard,
  makeReadVersionWeights,
} from '../../use-cases/read-weights.ts'
import { makeRegisterTrials } from '../../use-cases/register-trials.ts'
import { makeReplaySweep } from '../../use-cases/replay-sweep.ts'
import { makeResumeJob } from '../../use-cases/resume-job.ts'
import type { RunModel } from '../../use-cases/run-model.ts'
import { addCreateBatchPrediction } from './batch-predictions/create.ts'
import { addReadBatchPredictions } from './batch-predictions/read.ts'
import { addChangeDataset } from './datasets/change.ts'
import { addCreateDataset } from './datasets/create.ts'
import { addDeleteDataset } from './datasets/delete.ts'
import { addDownloadDataset } from './datasets/download.ts'
import { addListDatasets } from './datasets/list.ts'
import { addReadDataset } from './datasets/read.ts'
import { addReadDatasetProfile } from './datasets/read-profile.ts'
import { addReadDatasetRows } from './datasets/read-rows.ts'
import { addEventRoutes } from './event-routes.ts'
import { addCancelJob } from './jobs/cancel.ts'
import { addCloneJob } from './jobs/clone.ts'
import { addComputeInputGradient } from './jobs/compute-input-gradient.ts'
import { addCreateJob } from './jobs/create.ts'
import { addDeleteJob } from './jobs/delete.ts'
import { addForkJob } from './jobs/fork.ts'
import { addListJobs } from './jobs/list.ts'
import { addListCheckpoints } from './jobs/list-checkpoints.ts'
import { addPauseJob } from './jobs/pause.ts'
import { addPredict } from './jobs/predict.ts'
import { addReadJob } from './jobs/read.ts'
import { addReadCheckpoint } from './jobs/read-checkpoint.ts'
import { addReadCurves } from './jobs/read-curves.ts'
import { addReadDependence } from './jobs/read-dependence.ts'
import { addReadDiagnosis } from './jobs/read-diagnosis.ts'
import { addReadEvaluation } from './jobs/read-evaluation.ts'
import { addReadImportance } from './jobs/read-importance.ts'
import { addReadLayers } from './jobs/read-layers.ts'
import { addReadMetrics } from './jobs/read-metrics.ts'
import { addReadSplit } from './jobs/read-split.ts'
import { addReadWeights } from './jobs/read-weights.ts'
import { addResumeJob } from './jobs/resume.ts'
import { addRetryJob } from './jobs/retry.ts'
import { addVerifyJob } from './jobs/verify.ts'
import { addCheckGradient } from './mathematics/check-gradient.ts'
import { addPreviewAugmentation } from './mathematics/preview-augmentation.ts'
import { addTrace } from './mathematics/trace.ts'
import { addCreateModel } from './models/create.ts'
import { addDeleteModel } from './models/delete.ts'
import { addDeleteAlias } from './models/delete-alias.ts'
import { addListModels } from './models/list.ts'
import { addMoveAlias } from './models/move-alias.ts'
import { addPredictByModel } from './models/predict.ts'
import { addReadModel } from './models/read.ts'
import { addReadModelCard } from './models/read-card.ts'
import { addReadModelVersion } from './models/read-version.ts'
import { addReadVersionWeights } from './models/read-weights.ts'
import { addCommandSweep } from './sweeps/command.ts'
import { addCreateSweep, addPreviewSweep } from './sweeps/create.ts'
import { addReadSweeps } from './sweeps/read.ts'
import { addReadPictures } from './sweeps/read-pictures.ts'
import { addRegisterTrials } from './sweeps/register.ts'

export interface V1Deps extends Deps {
  authenticate: Authenticate
  files: DatasetFiles
  withFiles: WithFiles
  streams: EventStreams
  watch: JobWatch
  draining: AbortSignal
  readWeightBytes: ReadWeightBytes
  loadVersion: LoadVersion
  runModel: RunModel
}

type RouteDeps = V1Deps & {
  readHistory: ReadHistory
  exportModel: ExportModel
  describeModel: DescribeModel
  loadCheckpoint: LoadCheckpoint
}

/** Seeds are drawn short enough to be typed again. */
const DRAWN_SEED_MAX = 2 ** 31

export function addV1(app: App, deps: V1Deps): void {
  addAuthentication(app, deps.authenticate)
  addDatasetRoutes(app, deps)
  const readHistory = makeReadHistory(deps)
  const describeModel = makeDescribeModel({ jobs: deps.jobs, readHistory })
  const loadCheckpoint = makeLoadCheckpoint({ ...deps, thread: deps.checkpointReader })
  const exportModel = makeExportModel()
  const routeDeps = { ...deps, readHistory, describeModel, exportModel, loadCheckpoint }
  addJobRoutes(app, routeDeps)
  addModelRoutes(app, routeDeps)
  addBatchPredictionRoutes(app, deps)
  addSweepRoutes(app, routeDeps)
  addEventRoutes(app, deps)
}

function addDatasetRoutes(app: App, deps: V1Deps): void {
  addCreateDataset(app, {
    createDataset: makeCreateDataset(deps),
    withFiles: deps.withFiles,
    trackUpload: makeTrackUpload(deps),
  })
  addListDatasets(app, deps)
  addReadDataset(app, { readDataset: makeReadDataset(deps) })
  addDownloadDataset(app, deps)
  addReadDatasetRows(app, { readDatasetRows: makeReadDatasetRows(deps) })
  addReadDatasetProfile(app, { readDatasetProfile: makeReadDatasetProfile(deps) })
  addChangeDataset(app, { changeDataset: makeChangeDataset(deps) })
  addDeleteDataset(app, { deleteDataset: makeDeleteDataset(deps) })
}

function addJobRoutes(app: App, deps: RouteDeps): void {
  const { jobs, datasets, models, settings } = deps
  const { jobMemoryBytesMax, engineVersion } = settings
  const drawSeed = () => randomInt(DRAWN_SEED_MAX)
  const findFacts = makeFindTrainingFacts({ datasets, models })
  const quoteJob = makeQuoteJob({ findFacts, jobMemoryBytesMax, drawSeed })
  const { readHistory } = deps
  const loadModel = makeLoadModel({ jobs, readWeightBytes: deps.readWeightBytes })
  const createJob = makeCreateJob({ ...deps, quoteJob, engineVersion })
  addCreateJob(app, { createJob, quoteJob })
  addListJobs(app, { jobs })
  addReadJob(app, { readJob: makeReadJob(deps), draining: deps.draining })
  addDeleteJob(app, { deleteJob: makeDeleteJob(deps) })
  addCancelJob(app, { cancelJob: makeCancelJob(deps) })
  addPauseJob(app, { pauseJob: makePauseJob(deps) })
  addResumeJob(app, { resumeJob: makeResumeJob(deps) })
  addCloneJob(app, { cloneJob: makeCloneJob({ ...deps, createJob }) })
  addForkJob(app, { forkJob: makeForkJob({ ...deps, createJob }) })
  addRetryJob(app, { retryJob: makeRepeatJob({ ...deps, origin: 'retry', engineVersion }) })
  addVerifyJob(app, { verifyJob: makeRepeatJob({ ...deps, origin: 'verify', engineVersion }) })
  addListCheckpoints(app, { listCheckpoints: makeListCheckpoints(deps) })
  addReadCheckpoint(app, { readCheckpoint: makeReadCheckpoint(deps) })
  addReadMetrics(app, { readHistory })
  addReadCurves(app, { readHistory })
  addReadLayers(app, { readLayers: makeReadLayers(deps) })
  addReadDiagnosis(app, { diagnoseJob: makeDiagnoseJob({ readHistory }) })
  addReadSplit(app, { readSplit: makeReadSplit(deps) })
  addReadWeights(app, { readWeights: makeReadJobWeights(deps) })
  addPredict(app, {
    predict: makePredict({ jobs, loadModel, runModel: deps.runModel }),
  })
  addJudgements(app, deps, loadModel)
  const thread = deps.traces
  addTrace(app, { computeTrace: makeComputeTrace({ ...deps, loadModel, thread }) })
  addPreviewAugmentation(app, {
    previewAugmentation: makePreviewAugmentation({ ...deps, quoteJob, thread }),
  })
  addCheckGradient(app, { checkGradient: makeCheckGradient({ ...deps, quoteJob, thread }) })
}

function addJudgements(app: App, deps: V1Deps, loadModel: LoadModel): void {
  const findJudgedRows = makeFindJudgedRows({ ...deps, loadModel })
  const thread = deps.evaluations
  addReadEvaluation(app, { evaluateJob: makeEvaluateJob({ findJudgedRows, thread }) })
  const explainJob = makeExplainJob({ jobs: deps.jobs, findJudgedRows, loadModel, thread })
  addReadImportance(app, { explainJob })
  addReadDependence(app, { explainJob })
  addComputeInputGradient(app, { explainJob })
}

function addModelRoutes(app: App, deps: RouteDeps): void {
  const { models, imports } = deps
  addCreateModel(app, { createModel: makeCreateModel(deps), imports })
  addListModels(app, { models })
  addReadModel(app, { models })
  addReadModelVersion(app, { models })
  addPredictByModel(app, { predictByModel: makePredictByModel(deps) })
  addReadModelCard(app, { readCard: makeReadModelCard(deps) })
  addReadVersionWeights(app, { readWeights: makeReadVersionWeights(deps) })
  addMoveAlias(app, { models })
  addDeleteAlias(app, { models })
  addDeleteModel(app, { models })
}

function addBatchPredictionRoutes(app: App, deps: V1Deps): void {
  addCreateBatchPrediction(app, { createBatchPrediction: makeCreateBatchPrediction(deps) })
  addReadBatchPredictions(app, deps)
}

function addSweepRoutes(app: App, deps: RouteDeps): void {
  const { sweeps, settings } = deps
  const { jobMemoryBytesMax, engineVersion } = settings
  const drawSeed = () => randomInt(DRAWN_SEED_MAX)
  const findFacts = makeFindTrainingFacts(deps)
  const checkSweep = makeCheckSweep({ findFacts, jobMemoryBytesMax, drawSeed })
  addCreateSweep(app, { createSweep: makeCreateSweep({ ...deps, checkSweep, engineVersion }) })
  addPreviewSweep(app, { previewSweep: makePreviewSweep({ sweeps, checkSweep }) })
  const explainSweep = makeExplainSweep({ sweeps, thread: deps.searches })
  addReadPictures(app, { explainSweep })
  addReadSweeps(app, {
    sweeps,
    readSweep: makeReadSweep(deps),
    explainSweep,
    replaySweep: makeReplaySweep({ sweeps, thread: deps.searches }),
    draining: deps.draining,
  })
  addCommandSweep(app, { commandSweep: makeCommandSweep(deps) })
  addRegisterTrials(app, {
    registerTrials: makeRegisterTrials({ sweeps, createModel: makeCreateModel(deps) }),
  })
}
