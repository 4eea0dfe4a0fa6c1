/**
 * A training between two batches as bytes, little-endian: four words (magic, checksum of all that follows it,
 * bytes of the description, count of numbers), the description as JSON padded to 8 bytes, the numbers as f64,
 * and the backend's memory as it is. What is a function of seed, epoch and step (order, dropout) is not in it.
 */
import type { SessionState, TrainingData } from './backend.ts'
import type { NetworkConfig } from './config.ts'
import { EngineError } from './errors.ts'
import { beginPlateau, type PlateauState } from './schedules/learning-rate.ts'
import type { TrainingOptions } from './train.ts'
import { ENGINE_VERSION } from './version.ts'
import { JobMemory } from './wasm/job-memory.ts'
import { mapMemory } from './wasm/memory-map.ts'
import type { LayerWeights } from './weights.ts'

/** What early stopping remembers of the epochs before. */
export interface StoppingState {
  /** The watched metric, negated where it is a loss. */
  bestScore: number
  epochsWithout: number
}

/** What `train` remembers from one batch to the next; the rest is the backend's. */
export interface TrainingProgress {
  /** Of the epoch so far. */
  elapsedMs: number
  bestLoss: number
  /** 0 before the first. */
  bestEpoch: number
  stopping: StoppingState
  plateau: PlateauState
}

/** Everything that decides the bits of a training but its data, of which it has the shape; by name. */
type Description = Record<string, unknown>

const MAGIC = 0x4b435954
const FORMAT = 1
const HEADER_BYTES = 16
/** May differ where a training continues another, beside dropout and the numbers of the optimizer. */
const CHANGEABLE = [
  'epochs',
  'earlyStopping',
  'schedule',
  'regularization',
  'gradientClip',
  'classWeights',
  'augmentation',
]
/** Numbers of the progress; those of the backend follow. */
const PROGRESS_NUMBERS = 9

export function beginProgress(learningRate: number): TrainingProgress {
  return {
    elapsedMs: 0,
    bestLoss: Number.POSITIVE_INFINITY,
    bestEpoch: 0,
    stopping: { bestScore: Number.NEGATIVE_INFINITY, epochsWithout: 0 },
    plateau: beginPlateau(learningRate),
  }
}

export function describeTraining(
  network: NetworkConfig,
  options: TrainingOptions,
  fused: boolean,
): Description {
  const { training, validation, classWeights } = options
  return {
    format: FORMAT,
    engine: ENGINE_VERSION,
    fused,
    network,
    training: describeData(training),
    validation: validation && describeData(validation),
    optimizer: options.optimizer,
    batchSize: options.batchSize,
    epochs: options.epochs,
    shuffle: options.shuffle,
    seed: String(options.seed),
    earlyStopping: options.earlyStopping,
    schedule: options.schedule ?? null,
    regularization: options.regularization ?? null,
    gradientClip: options.gradientClip ?? null,
    classWeights: classWeights ?? null,
    augmentation: options.augmentation ?? null,
  }
}

/** Copies the state, whose bytes may be a view of memory that training goes on to change. */
export function writeCheckpoint(
  description: Description,
  progress: TrainingProgress,
  session: SessionState,
): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(toCanonicalJson(description))
  const textBytes = Math.ceil(text.length / 8) * 8
  const numbers = [...toNumbers(progress), ...session.numbers]
  const stateAt = HEADER_BYTES + textBytes + 8 * numbers.length
  const bytes = new Uint8Array(stateAt + session.bytes.length)
  bytes.fill(0x20, HEADER_BYTES, HEADER_BYTES + textBytes)
  bytes.set(text, HEADER_BYTES)
  new Float64Array(bytes.buffer, HEADER_BYTES + textBytes, numbers.length).set(numbers)
  bytes.set(session.bytes, stateAt)
  const words = new Uint32Array(bytes.buffer)
  words.set([MAGIC, 0, textBytes, numbers.length])
  words[1] = checksum(words.subarray(2))
  return bytes
}

/**
 * Throws `invalid_checkpoint` unless the bytes are whole and of the training described, or, when it `continues`
 * another, of one whose state means the same. `changed` names what differs then.
 */
export function readCheckpoint(
  checkpoint: Uint8Array,
  expected: Description,
  continues: boolean,
): { progress: TrainingProgress; session: SessionState; changed: ReadonlySet<string> } {
  const { description, progress, session } = parse(checkpoint)
  const wanted = JSON.parse(toCanonicalJson(expected)) as Description
  const differing = differences(wanted, description)
  const refused = continues
    ? differences(meaningOfState(wanted), meaningOfState(description))
    : differing
  if (refused.length > 0) refuse(`it is of another training: ${refused.join(', ')} differ`)
  return { progress, session, changed: new Set(differing) }
}

/**
 * Copies of the parameters that a checkpoint holds. Throws `invalid_checkpoint` when it is damaged or of another
 * version of the engine, whose memory may be laid out otherwise.
 */
export function checkpointWeights(checkpoint: Uint8Array): {
  last: LayerWeights[]
  best: LayerWeights[]
} {
  const { description, session } = parse(checkpoint)
  if (description.engine !== ENGINE_VERSION) {
    refuse(`it is of engine ${String(description.engine)}, this is ${ENGINE_VERSION}`)
  }
  const network = description.network as NetworkConfig
  const { type: optimizer } = description.optimizer as TrainingOptions['optimizer']
  const map = mapMemory({ network, optimizer, batchSize: 1, trainingRows: 0, validationRows: 0 })
  if (session.bytes.length !== map.gradient - map.parameters) refuse('it is of another size')
  const memory = new ArrayBuffer(map.gradient)
  new Uint8Array(memory).set(session.bytes, map.parameters)
  const read = new JobMemory({ buffer: memory }, map)
  return { last: read.readWeights('last'), best: read.readWeights('best') }
}

/** Where in its training a checkpoint was taken. Throws `invalid_checkpoint` when it is damaged. */
export function inspectCheckpoint(checkpoint: Uint8Array): {
  /** The epoch at hand, from 1. */
  epoch: number
  /** Its next batch, from 0. */
  batch: number
  /** Batches so far, over all epochs. */
  step: number
  best: { epoch: number } | null
} {
  const { progress, session } = parse(checkpoint)
  const [epoch = 1, batch = 0, step = 0] = session.numbers
  const best = progress.bestEpoch === 0 ? null : { epoch: progress.bestEpoch }
  return { epoch, batch, step, best }
}

function parse(checkpoint: Uint8Array): {
  description: Description
  progress: TrainingProgress
  session: SessionState
} {
  if (checkpoint.length < HEADER_BYTES || checkpoint.length % 4 !== 0) refuse('it is cut off')
  // Numbers must lie at multiples of their size, which bytes from elsewhere need not.
  const bytes = checkpoint.byteOffset % 8 === 0 ? checkpoint : checkpoint.slice()
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  const [magic, sum, textBytes = 0, count = 0] = words
  if (magic !== MAGIC) refuse('it is something else')
  if (sum !== checksum(words.subarray(2))) refuse('it is damaged or cut off')
  const numbersAt = HEADER_BYTES + textBytes
  const stateAt = numbersAt + 8 * count
  const text = new TextDecoder().decode(bytes.slice(HEADER_BYTES, numbersAt))
  const numbers = [...new Float64Array(bytes.buffer, bytes.byteOffset + numbersAt, count)]
  return {
    description: JSON.parse(text) as Description,
    progress: fromNumbers(numbers),
    session: { numbers: numbers.slice(PROGRESS_NUMBERS), bytes: bytes.subarray(stateAt) },
  }
}

function differences(wanted: Description, description: Description): string[] {
  return Object.keys({ ...wanted, ...description }).filter(
    (name) => JSON.stringify(description[name]) !== JSON.stringify(wanted[name]),
  )
}

/** Of a description what decides how its state is to be read, and which rows and batches are behind it. */
function meaningOfState(description: Description): Description {
  const { network, optimizer, ...rest } = description
  const { inputDropout: _, layers, ...shapes } = network as NetworkConfig
  for (const name of CHANGEABLE) delete rest[name]
  return {
    ...rest,
    network: {
      ...shapes,
      layers: layers.map(({ dropout: __, initializer: ___, ...layer }) => layer),
    },
    optimizer: (optimizer as TrainingOptions['optimizer']).type,
  }
}

function refuse(why: string): never {
  throw new EngineError('invalid_checkpoint', `the checkpoint cannot be used: ${why}`)
}

function describeData({ rows, weights }: TrainingData) {
  return { rows, weighted: (weights ?? null) !== null }
}

function toNumbers(progress: TrainingProgress): number[] {
  const { elapsedMs, bestLoss, bestEpoch, stopping, plateau } = progress
  return [
    ...[elapsedMs, bestLoss, bestEpoch, stopping.bestScore, stopping.epochsWithout],
    ...[plateau.rate, plateau.bestLoss, plateau.epochsWithout, plateau.cooling],
  ]
}

function fromNumbers(numbers: readonly number[]): TrainingProgress {
  const [elapsedMs = 0, bestLoss = 0, bestEpoch = 0, bestScore = 0, epochsStale = 0] = numbers
  const [rate = 0, plateauLoss = 0, epochsWithout = 0, cooling = 0] = numbers.slice(5)
  return {
    ...{ elapsedMs, bestLoss, bestEpoch },
    stopping: { bestScore, epochsWithout: epochsStale },
    plateau: { rate, bestLoss: plateauLoss, epochsWithout, cooling },
  }
}

/** Equal objects give equal text, in whatever order they name their fields. */
function toCanonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    each !== null && typeof each === 'object' && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  )
}

/** FNV-1a by words: no change of a single word goes unseen. */
function checksum(words: Uint32Array): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ (words[i] as number), 0x01000193)
  return hash >>> 0
}
