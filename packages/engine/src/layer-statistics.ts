/**
 * What is observed of each layer while it trains, and when. Both backends measure by these definitions;
 * they only read, so that training gives the same bits whether it is observed or not.
 */
import type { TrainingJob } from './backend.ts'
import type { ActivationName } from './config.ts'

export type ObservationDetail = 'statistics' | 'histograms'

/** Equal bins from the lowest to the highest value; where both are the same, the first bin holds all. */
export interface Histogram {
  lower: number
  upper: number
  /** [30] */
  counts: number[]
}

/** Of one layer in one epoch. Weights are those that the observed step began with. */
export interface LayerStatistics {
  /** L2 norm of the gradient of all parameters of the layer, penalty included, before clipping. */
  gradientNorm: number
  /** L2 norm of the weight matrix. */
  weightNorm: number
  /** ‖ΔW‖/‖W‖ of the step; null where all weights are zero. */
  updateRatio: number | null
  /** Of f(z), before dropout, over all units and observed rows. */
  activationMean: number
  activationStd: number
  /** Share of units that are flat on every observed row; null for an activation that cannot die. */
  deadShare: number | null
  /** Share of outputs, units × rows, on a flat end; null for an activation without two of them. */
  saturatedShare: number | null
  /** Of the observed step: outputs, weight matrix, and its gradient. Only if they were asked for. */
  histograms: { activations: Histogram; weights: Histogram; gradients: Histogram } | null
}

export interface LayerObservation {
  /** 0 is the network as it was initialised. */
  epoch: number
  /** Rows whose activations were observed. */
  rows: number
  layers: LayerStatistics[]
}

/** Batches of one epoch that make one observation. Its step is that of the last. */
export interface ObservationWindow {
  epoch: number
  detail: ObservationDetail
  /** From 0, both included. */
  firstBatch: number
  lastBatch: number
}

export const HISTOGRAM_BINS = 30

/** Enough rows to tell a dead unit from one that was merely not needed. */
const OBSERVED_ROWS = 128
/** At most this share of an epoch's batches is observed, which bounds what it costs. */
const OBSERVED_BATCHES_SHARE = 1 / 16

/**
 * The batches to observe in an epoch: for epoch 0 the first batch of epoch 1, whose forward and backward
 * pass are those of the initial weights; for any other the last full batches before their updates.
 * A short last batch is left out, since a row or two say nothing.
 */
export function observationWindows(
  { observes, training, batchSize }: Pick<TrainingJob, 'observes' | 'training' | 'batchSize'>,
  epoch: number,
): ObservationWindow[] {
  if (observes === null) return []
  const windows: ObservationWindow[] = []
  const initial = epoch === 1 ? observes(0) : null
  if (initial !== null) windows.push({ epoch: 0, detail: initial, firstBatch: 0, lastBatch: 0 })
  const detail = observes(epoch)
  if (detail !== null) {
    const batches = Math.floor(training.rows / batchSize)
    const wanted = Math.ceil(OBSERVED_ROWS / batchSize)
    const allowed = Math.floor(batches * OBSERVED_BATCHES_SHARE)
    const observed = Math.max(1, Math.min(wanted, allowed))
    windows.push({ epoch, detail, firstBatch: batches - observed, lastBatch: batches - 1 })
  }
  return windows
}

/** An output is flat unless it lies between both bounds. */
export interface LiveOutputs {
  above: number
  below: number
  /** What a flat output tells: nothing of a linear unit. */
  tells: 'dead' | 'saturated' | null
}

/**
 * Flat means a slope below this share of the activation's steepest. For saturation that is where tanh
 * passes ±0.97: ten such layers leave less than 1e-12 of a gradient.
 */
const SATURATED_SLOPE = 1 - 0.97 ** 2
/** For a unit to be dead: what is left of a gradient is a thousandth, on every row. */
const DEAD_SLOPE = 1e-3
/** λα of selu, its steepest slope and the distance of its floor from zero. */
const SELU_FLOOR = 1.0507009873554805 * 1.6732632423543772

const NEVER_FLAT: LiveOutputs = {
  above: Number.NEGATIVE_INFINITY,
  below: Number.POSITIVE_INFINITY,
  tells: null,
}

/**
 * Slopes in terms of the output a: tanh 1 - a², sigmoid a(1 - a), softsign (1 - |a|)²; of those flat at one
 * end relu 0 where a is 0, elu 1 + a, selu λα + a, softplus 1 - e^-a. A leaky relu never dies; the outputs
 * of gelu and silu do not tell their slopes, and step is flat everywhere.
 */
const LIVE_OUTPUTS: Partial<Record<ActivationName, LiveOutputs>> = {
  tanh: between(-Math.sqrt(1 - SATURATED_SLOPE), Math.sqrt(1 - SATURATED_SLOPE)),
  sigmoid: between(
    (1 - Math.sqrt(1 - SATURATED_SLOPE)) / 2,
    (1 + Math.sqrt(1 - SATURATED_SLOPE)) / 2,
  ),
  softsign: between(Math.sqrt(SATURATED_SLOPE) - 1, 1 - Math.sqrt(SATURATED_SLOPE)),
  relu: above(0),
  elu: above(DEAD_SLOPE - 1),
  selu: above(SELU_FLOOR * (DEAD_SLOPE - 1)),
  softplus: above(-Math.log(1 - DEAD_SLOPE)),
}

export function liveOutputs(activation: ActivationName): LiveOutputs {
  return LIVE_OUTPUTS[activation] ?? NEVER_FLAT
}

/** Of any values that fit into memory; none gives zeros. */
export function histogramOf(values: Float32Array | Float64Array): Histogram {
  let lower = Number.POSITIVE_INFINITY
  let upper = Number.NEGATIVE_INFINITY
  for (const value of values) {
    if (value < lower) lower = value
    if (value > upper) upper = value
  }
  const counts = new Array<number>(HISTOGRAM_BINS).fill(0)
  const scale = upper > lower ? HISTOGRAM_BINS / (upper - lower) : 0
  for (const value of values) {
    const bin = Math.min(Math.floor((value - lower) * scale), HISTOGRAM_BINS - 1)
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  return { lower, upper, counts }
}

function between(low: number, high: number): LiveOutputs {
  return { above: low, below: high, tells: 'saturated' }
}

function above(low: number): LiveOutputs {
  return { above: low, below: Number.POSITIVE_INFINITY, tells: 'dead' }
}
