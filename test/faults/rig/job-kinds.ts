/** The jobs that faults are tried on. Two of one kind end with the same bits, whatever happens to them. */
import type { JobSpec } from '@trainyard/contracts'
import { BAD_SEEDS } from './bad-seeds.ts'

type Training = NonNullable<JobSpec['training']>
type Model = Exclude<JobSpec['model'], 'auto' | undefined>

const CHECKPOINT_SECONDS = 0.5
/** A bad one is to be bad again, and not to have got further meanwhile. */
const NO_CHECKPOINT_SECONDS = 3600

interface Kind {
  dataset: 'digits' | 'xor'
  model: Model
  training: Training
  /** Default 7. */
  seed?: number
  /** Default 0.5. */
  checkpointSeconds?: number
}

const hidden = (layer: Partial<NonNullable<Model['hidden']>[number]>) => [
  { units: 64, activation: 'relu' as const, ...layer },
  { units: 32, activation: 'relu' as const },
]

const bad = (seed: number) => ({
  dataset: 'digits' as const,
  model: { hidden: hidden({}) },
  training: { epochs: 100_000, early_stopping: null, threads: 1 as const },
  seed,
  checkpointSeconds: NO_CHECKPOINT_SECONDS,
})

/** About five seconds each, two at a time on two cores; the first four differ in what a checkpoint has to hold. */
export const KINDS = {
  adam_dropout: {
    dataset: 'digits',
    model: { hidden: hidden({ dropout: 0.2 }) },
    training: { optimizer: { type: 'adam' }, epochs: 1100, early_stopping: null, threads: 1 },
  },
  batch_norm_momentum: {
    dataset: 'digits',
    model: { hidden: hidden({ batch_norm: true }) },
    training: {
      optimizer: { type: 'momentum', learning_rate: 0.02 },
      epochs: 1000,
      early_stopping: null,
      threads: 1,
    },
  },
  /** Several times as long, so that it can be killed as often. */
  batch_norm_momentum_long: {
    dataset: 'digits',
    model: { hidden: hidden({ batch_norm: true }) },
    training: {
      optimizer: { type: 'momentum', learning_rate: 0.02 },
      epochs: 4000,
      early_stopping: null,
      threads: 1,
    },
  },
  two_threads: {
    dataset: 'digits',
    model: { hidden: hidden({ units: 128 }) },
    training: { batch_size: 256, epochs: 1300, early_stopping: null, threads: 2 },
  },
  noise_early_stopping: {
    dataset: 'digits',
    model: { hidden: hidden({ units: 32 }) },
    training: {
      augmentation: [{ type: 'gaussian_noise', std: 0.3 }],
      epochs: 4000,
      early_stopping: { metric: 'val_loss', patience: 150 },
      threads: 1,
    },
  },
  tiny: {
    dataset: 'xor',
    model: { hidden: [{ units: 4, activation: 'tanh' }] },
    training: { epochs: 10, early_stopping: null, threads: 1 },
  },
  /** Ends only when it is told to. */
  endless: {
    dataset: 'digits',
    model: { hidden: hidden({}) },
    training: { epochs: 100_000, early_stopping: null, threads: 1 },
  },
  /** Bad only with `faulty-threads.ts`. */
  throwing: bad(BAD_SEEDS.throw),
  filling_heap: bad(BAD_SEEDS.heap),
  exiting: bad(BAD_SEEDS.exit),
  killing: bad(BAD_SEEDS.kill),
  spinning: bad(BAD_SEEDS.spin),
  greedy: bad(BAD_SEEDS.greed),
  /** Two at a time make some ten thousand epochs a second. */
  flood: {
    dataset: 'xor',
    model: {
      hidden: [
        { units: 128, activation: 'tanh' },
        { units: 128, activation: 'tanh' },
      ],
    },
    training: { batch_size: 1, epochs: 25_000, early_stopping: null, threads: 1 },
  },
  diverging: {
    dataset: 'digits',
    model: { hidden: [{ units: 16, activation: 'relu' }] },
    training: {
      optimizer: { type: 'sgd', learning_rate: 1e6 },
      epochs: 50,
      early_stopping: null,
      threads: 1,
    },
  },
} as const satisfies Record<string, Kind>

export type KindName = keyof typeof KINDS

export const FOUR_CONFIGURATIONS = [
  'adam_dropout',
  'batch_norm_momentum',
  'two_threads',
  'noise_early_stopping',
] as const satisfies readonly KindName[]

export type Datasets = Record<Kind['dataset'], string>

export const BUILTINS = {
  digits: { builtin: { generator: 'digits' } },
  xor: { builtin: { generator: 'xor' } },
} as const

export function toSpec(name: KindName, datasets: Datasets, number: number): JobSpec {
  const kind: Kind = KINDS[name]
  const { dataset, model, training, seed = 7, checkpointSeconds = CHECKPOINT_SECONDS } = kind
  return {
    dataset_id: datasets[dataset],
    model,
    training,
    checkpoint: { every_seconds: checkpointSeconds },
    seed,
    metadata: { submission: String(number) },
  }
}
