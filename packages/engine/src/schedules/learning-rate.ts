/**
 * The learning rate of every epoch and step. All schedules are pure functions of the epoch, but for
 * `reduce_on_plateau`, whose state is the caller's: so a run may be resumed at any epoch.
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

/** What `reduce_on_plateau` remembers of the epochs before. */
export interface PlateauState {
  rate: number
  bestLoss: number
  epochsWithout: number
  /** Epochs for which it still looks away. */
  cooling: number
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

export function beginPlateau(learningRate: number): PlateauState {
  return { rate: learningRate, bestLoss: Number.POSITIVE_INFINITY, epochsWithout: 0, cooling: 0 }
}

/** `plateau` is written by `observe`. */
export function createSchedule(
  config: ScheduleConfig,
  learningRate: number,
  epochs: number,
  stepsPerEpoch: number,
  plateau = beginPlateau(learningRate),
): Schedule {
  const warmupEpochs = config.warmupEpochs ?? 0
  return {
    rateOf(epoch) {
      const e = epoch - 1
      const warmup = e < warmupEpochs ? (e + 1) / warmupEpochs : 1
      const rate =
        config.type === 'reduce_on_plateau'
          ? plateau.rate
          : learningRate * factorOf(config, e, epochs, stepsPerEpoch)
      return {
        learningRate: warmup * rate,
        factorPerStep: config.type === 'per_step' ? config.factor : 1,
      }
    },
    observe(loss) {
      if (config.type === 'reduce_on_plateau') watchPlateau(config, plateau, loss)
    },
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
  state: PlateauState,
  loss: number,
): void {
  const { factor = PLATEAU_FACTOR, patience = PLATEAU_PATIENCE } = config
  const { cooldown = 0, minLearningRate = 0 } = config
  const isBetter = loss < state.bestLoss * (1 - PLATEAU_THRESHOLD)
  if (isBetter) state.bestLoss = loss
  state.epochsWithout = isBetter || state.cooling > 0 ? 0 : state.epochsWithout + 1
  if (state.cooling > 0) state.cooling--
  if (state.epochsWithout < patience) return
  // A rate that starts below the least one stays there.
  state.rate = Math.max(state.rate * factor, Math.min(minLearningRate, state.rate))
  state.epochsWithout = 0
  state.cooling = cooldown
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
