/**
 * The learning rate of every epoch and step. All schedules but `reduce_on_plateau` are pure functions
 * of the epoch, so a run may be resumed at any of them.
 */
import { assertCount } from '../config.ts'
import { EngineError } from '../errors.ts'
import { cos } from '../random/elementary.ts'

/** e is the epoch from 0, E their number; the factor multiplies the optimizer's learning rate. */
export type ScheduleConfig = (
  | { type: 'constant' }
  /** factor^⌊e / everyEpochs⌋ */
  | { type: 'step'; everyEpochs: number; factor: number }
  /** factor^e */
  | { type: 'exponential'; factor: number }
  /** factor^t, with t the batches before this one in all epochs. */
  | { type: 'per_step'; factor: number }
  /** ½(1 + cos(πe/E)), constant within an epoch. */
  | { type: 'cosine' }
  /** 1 - e/E */
  | { type: 'linear' }
  /** 1 / (1 + decay·e) */
  | { type: 'inverse_time'; decay: number }
  /**
   * Multiplies by `factor` (0.5) once the watched loss has not improved for `patience` (5) epochs, but
   * not below `minLearningRate` (0), and then looks away for `cooldown` (0) epochs. An improvement is
   * one by more than 1e-4 of the best loss so far. Watches the validation loss, else the training loss.
   */
  | {
      type: 'reduce_on_plateau'
      factor?: number
      patience?: number
      cooldown?: number
      minLearningRate?: number
    }
) & {
  /** Epochs over which the rate rises linearly: times (e + 1)/warmupEpochs while e < warmupEpochs; 0. */
  warmupEpochs?: number
}

/** The rate of an epoch's first step, and by what each step multiplies it for the next. */
export interface StepRate {
  learningRate: number
  factorPerStep: number
}

export interface Schedule {
  /** epoch counts from 1. */
  rateOf(epoch: number): StepRate
  /** Tells the loss that `reduce_on_plateau` watches, after each epoch. */
  observe(loss: number): void
}

const PLATEAU_FACTOR = 0.5
const PLATEAU_PATIENCE = 5
const PLATEAU_THRESHOLD = 1e-4

export function createSchedule(
  config: ScheduleConfig,
  learningRate: number,
  epochs: number,
  stepsPerEpoch: number,
): Schedule {
  const plateau = config.type === 'reduce_on_plateau' ? watchPlateau(config, learningRate) : null
  const warmupEpochs = config.warmupEpochs ?? 0
  return {
    rateOf(epoch) {
      const e = epoch - 1
      const warmup = e < warmupEpochs ? (e + 1) / warmupEpochs : 1
      const rate = plateau?.rate() ?? learningRate * factorOf(config, e, epochs, stepsPerEpoch)
      return {
        learningRate: warmup * rate,
        factorPerStep: config.type === 'per_step' ? config.factor : 1,
      }
    },
    observe: (loss) => plateau?.observe(loss),
  }
}

/** Throws `invalid_options` for a parameter that would raise the rate or make it negative. */
export function assertScheduleConfig(config: ScheduleConfig): void {
  assertWhole(config.warmupEpochs ?? 0, 'warmupEpochs')
  switch (config.type) {
    case 'constant':
    case 'cosine':
    case 'linear':
      return
    case 'step':
      assertCount(config.everyEpochs, 'everyEpochs', 'invalid_options')
      assertFactor(config.factor)
      return
    case 'exponential':
    case 'per_step':
      assertFactor(config.factor)
      return
    case 'inverse_time':
      if (!(config.decay >= 0 && config.decay < Number.POSITIVE_INFINITY)) {
        throw new EngineError('invalid_options', 'decay must not be negative')
      }
      return
    case 'reduce_on_plateau': {
      const { factor = PLATEAU_FACTOR, patience = PLATEAU_PATIENCE, cooldown = 0 } = config
      assertFactor(factor)
      assertCount(patience, 'patience', 'invalid_options')
      assertWhole(cooldown, 'cooldown')
      if (!((config.minLearningRate ?? 0) >= 0)) {
        throw new EngineError('invalid_options', 'minLearningRate must not be negative')
      }
      return
    }
    default:
      throw new EngineError('invalid_options', `unknown schedule ${JSON.stringify(config)}`)
  }
}

function factorOf(config: ScheduleConfig, e: number, epochs: number, stepsPerEpoch: number) {
  switch (config.type) {
    case 'constant':
    case 'reduce_on_plateau':
      return 1
    case 'step':
      return config.factor ** Math.floor(e / config.everyEpochs)
    case 'exponential':
      return config.factor ** e
    case 'per_step':
      return config.factor ** (e * stepsPerEpoch)
    case 'cosine':
      return 0.5 * (1 + cos((Math.PI * e) / epochs))
    case 'linear':
      return 1 - e / epochs
    case 'inverse_time':
      return 1 / (1 + config.decay * e)
  }
}

function watchPlateau(
  config: ScheduleConfig & { type: 'reduce_on_plateau' },
  learningRate: number,
): { rate(): number; observe(loss: number): void } {
  const { factor = PLATEAU_FACTOR, patience = PLATEAU_PATIENCE } = config
  const { cooldown = 0, minLearningRate = 0 } = config
  let rate = learningRate
  let best = Number.POSITIVE_INFINITY
  let epochsWithout = 0
  let cooling = 0
  return {
    rate: () => rate,
    observe(loss) {
      const isBetter = loss < best * (1 - PLATEAU_THRESHOLD)
      if (isBetter) best = loss
      epochsWithout = isBetter || cooling > 0 ? 0 : epochsWithout + 1
      if (cooling > 0) cooling--
      if (epochsWithout < patience) return
      // A rate that starts below the least one stays there.
      rate = Math.max(rate * factor, Math.min(minLearningRate, rate))
      epochsWithout = 0
      cooling = cooldown
    },
  }
}

function assertFactor(factor: number): void {
  if (!(factor > 0 && factor <= 1)) {
    throw new EngineError('invalid_options', 'the factor of a schedule must be in (0, 1]')
  }
}

function assertWhole(value: number, name: string): void {
  if (!(Number.isSafeInteger(value) && value >= 0)) {
    throw new EngineError('invalid_options', `${name} must be an integer of at least 0`)
  }
}
