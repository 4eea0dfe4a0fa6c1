/** Rows as tests start from, made through the real stores. */
import { createHash, randomBytes } from 'node:crypto'
import {
  type Column,
  createId,
  type EpochLayers,
  type EpochMetrics,
  type Job,
  type JobId,
  type ProjectId,
  type ResolvedConfig,
  type SweepId,
} from '@trainyard/contracts'
import type { JobCheckpoint, NewDataset, NewJob, NewSweep } from '@trainyard/domain'
import {
  createBatchLeases,
  createBatchPredictions,
  createBlobs,
  createCheckpoints,
  createDatasets,
  createDispatch,
  createIdempotency,
  createIngests,
  createJobs,
  createKeys,
  createLeases,
  createModels,
  createSweepRuns,
  createSweeps,
  createTrialLeases,
  createWorkers,
  openDatabase,
} from '@trainyard/store'

export type TestStores = ReturnType<typeof openTestStores>

export function openTestStores(
  connectionString: string,
  {
    leaseSeconds = 9,
    engine = 'this engine',
    onError = (error: Error): void => console.error(error),
  } = {},
) {
  const database = openDatabase({
    connectionString,
    applicationName: 'trainyard-test',
    connectionsMax: 10,
    onError,
  })
  return {
    database,
    keys: createKeys(database),
    blobs: createBlobs(database),
    datasets: createDatasets(database),
    jobs: createJobs(database),
    models: createModels(database),
    sweeps: createSweeps(database),
    sweepRuns: createSweepRuns(database),
    trialLeases: createTrialLeases(database, { leaseSeconds, engine }),
    batchPredictions: createBatchPredictions(database),
    batches: createBatchLeases(database, { leaseSeconds }),
    idempotency: createIdempotency(database),
    ingests: createIngests(database),
    leases: createLeases(database, { leaseSeconds, engine }),
    checkpoints: createCheckpoints(database),
    dispatch: createDispatch(database, { leaseSeconds }),
    workers: createWorkers(database, { leaseSeconds }),
    close: () => database.$disconnect(),
  }
}

export async function insertProject(
  stores: TestStores,
  name = `project ${randomBytes(4).toString('hex')}`,
): Promise<ProjectId> {
  const key = await stores.keys.insert({
    keyId: randomBytes(4).toString('hex'),
    projectName: name,
    name: 'test',
    secretHash: randomBytes(32),
    expiresAt: null,
  })
  return key.projectId
}

const COLUMNS: Column[] = ['a', 'b', 'y'].map((name) => ({
  name,
  type: 'number',
  role: name === 'y' ? 'target' : 'feature',
  missing: 0,
  min: 0,
  max: 1,
  mean: 0.5,
  std: 0.5,
  levels: name === 'y' ? ['0', '1'] : null,
}))

/** Of a table that nobody looked at. */
export const NO_PROFILE: NewDataset['profile'] = {
  rows_examined: 0,
  columns: [],
  classes: null,
  duplicates: { rows: 0, conflicting_rows: null, validation_overlap: 0 },
  scale_spread: null,
}

/** A data set's row whose blob is a few bytes: enough for whatever does not train. */
export async function insertDataset(stores: TestStores, projectId: ProjectId) {
  const bytes = new TextEncoder().encode(`not a table ${randomBytes(4).toString('hex')}`)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  await stores.blobs.put({ sha256, bytes: bytes.byteLength }, [bytes])
  const dataset: NewDataset = {
    id: createId('dataset'),
    projectId,
    name: 'a data set',
    rows: 4,
    columns: COLUMNS,
    target: 'y',
    task: 'classification',
    warnings: [],
    profile: NO_PROFILE,
    sha256,
    bytes: bytes.byteLength,
  }
  const inserted = await stores.datasets.insert(dataset, null)
  if (inserted.kind === 'replayed') throw new Error('a request without a key cannot be a replay')
  return inserted.result
}

export function makeResolvedConfig(overrides: Partial<ResolvedConfig> = {}): ResolvedConfig {
  return {
    task: 'classification',
    preprocessing: {
      numeric: 'standardize',
      target: 'none',
      missing: 'mean',
      missing_indicators: false,
      unseen_category: 'zero',
      max_levels: 64,
      columns: {},
    },
    validation: null,
    test: null,
    model: {
      inputs: 2,
      hidden: [
        { units: 4, activation: 'tanh', initializer: 'auto', batch_norm: false, dropout: 0 },
      ],
      input_dropout: 0,
      output: { units: 1, activation: 'sigmoid', initializer: 'auto' },
    },
    training: {
      loss: 'binary_cross_entropy',
      optimizer: {
        type: 'adam',
        learning_rate: 0.05,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        bias_correction: true,
      },
      lr_schedule: null,
      regularization: null,
      batch_size: 4,
      epochs: 10,
      shuffle: true,
      early_stopping: null,
      gradient_clip: null,
      class_weight: null,
      oversample: false,
      label_smoothing: 0,
      augmentation: null,
      image: null,
      threads: 1,
    },
    initial_weights: null,
    checkpoint: { every_seconds: 10, keep: 2 },
    limits: { max_seconds: null, target: null },
    seed: 7,
    ...overrides,
  }
}

export function makeNewJob(
  projectId: ProjectId,
  datasetId: NewJob['datasetId'],
  overrides: Partial<NewJob> = {},
): NewJob {
  return {
    id: createId('job'),
    projectId,
    datasetId,
    datasets: [],
    validationDatasetId: null,
    testDatasetId: null,
    name: null,
    config: { dataset_id: datasetId },
    resolvedConfig: makeResolvedConfig(),
    parameterCount: 17,
    engineVersion: '0.1.0',
    priority: 0,
    metadata: {},
    ...overrides,
  }
}

export async function insertJob(
  stores: TestStores,
  projectId: ProjectId,
  datasetId: NewJob['datasetId'],
  overrides: Partial<NewJob> = {},
): Promise<Job> {
  const inserted = await stores.jobs.insert(makeNewJob(projectId, datasetId, overrides), null)
  if (inserted.kind === 'replayed') throw new Error('a request without a key cannot be a replay')
  return inserted.result
}

export function makeNewSweep(
  id: SweepId,
  projectId: ProjectId,
  datasetId: NewSweep['datasetId'],
): NewSweep {
  return {
    id,
    projectId,
    datasetId,
    name: null,
    config: { dataset_id: datasetId, base: {}, parameters: {} },
    method: 'random',
    seed: 1,
    objective: { metric: 'val_loss', goal: 'minimize', target: null, at: 'best' },
    repeats: 1,
    maxTrials: 10,
    engineVersion: '0.1.0',
    metadata: {},
  }
}

export function makeEpochMetrics(
  epoch: number,
  overrides: Partial<EpochMetrics> = {},
): EpochMetrics {
  return {
    epoch,
    step: epoch,
    train_loss: 1 / epoch,
    train_penalty: 0,
    train_accuracy: 0.5,
    val_loss: null,
    val_accuracy: null,
    learning_rate: 0.05,
    gradient_norm: 0.1,
    examples_per_second: 1000,
    duration_ms: 0.25,
    ...overrides,
  }
}

/** Two layers; with histograms if they are wanted. */
export function makeEpochLayers(epoch: number, withHistograms = true): EpochLayers {
  const histogram = { lower: -1, upper: 1, counts: new Array<number>(30).fill(epoch) }
  const histograms = { activations: histogram, weights: histogram, gradients: histogram }
  return {
    epoch,
    rows: 128,
    layers: [0, 1].map((layer) => ({
      layer,
      gradient_norm: 0.1 + 0.2,
      weight_norm: 1 + layer,
      update_ratio: layer === 0 ? 1e-3 : null,
      activation_mean: 0,
      activation_std: 0.5,
      dead_share: layer === 0 ? 0.25 : null,
      saturated_share: null,
      histograms: withHistograms ? histograms : null,
    })),
  }
}

export function makeJobCheckpoint(overrides: Partial<JobCheckpoint> = {}): JobCheckpoint {
  return {
    step: 10,
    sha256: 'a',
    bytes: 4,
    keep: 2,
    progress: { epoch: 1, seconds: 1, best: null, last: null },
    architecture: {
      inputs: 2,
      hidden: [],
      outputs: 1,
      output_activation: 'sigmoid',
      task: 'classification',
      classes: ['0', '1'],
      target: 'y',
    },
    preprocessing: { columns: [], target: null },
    ...overrides,
  }
}

/** As the passing of time would, after the death of a worker. */
export async function endBackoff(stores: TestStores, jobId: JobId): Promise<void> {
  await stores.database
    .$executeRaw`UPDATE jobs SET run_after = clock_timestamp() WHERE id = ${jobId}`
}

/** Puts the lease of a running job into the past, as the passing of time would. */
export async function expireLease(stores: TestStores, jobId: JobId): Promise<void> {
  await stores.database.$executeRaw`
    UPDATE jobs SET lease_until = clock_timestamp() - interval '1 second' WHERE id = ${jobId}`
}
