import type { LayerConfig, NetworkConfig } from '../config.ts'
import {
  histogramOf,
  type LayerObservation,
  type LayerStatistics,
  liveOutputs,
  type ObservationWindow,
} from '../layer-statistics.ts'
import type { Matrix } from '../tensor.ts'
import type { ReferenceNetwork } from './reference-network.ts'

/** A layer in the middle of a step, as it was before the update. */
interface Step {
  gradient: Float64Array
  weight: Float64Array
  weightGradient: Float64Array
  update: Float64Array
}

interface OpenWindow extends ObservationWindow {
  /** Outputs per observed batch and layer. */
  batches: Matrix[][]
  /** Per layer; empty until the last batch. */
  steps: Step[]
}

/** Copies what is observed and computes at the end of the epoch, by the definitions and without any haste. */
export class ReferenceObserver {
  readonly #config: NetworkConfig
  readonly #network: ReferenceNetwork
  readonly #windows: OpenWindow[]

  constructor(
    config: NetworkConfig,
    network: ReferenceNetwork,
    windows: readonly ObservationWindow[],
  ) {
    this.#config = config
    this.#network = network
    this.#windows = windows.map((window) => ({ ...window, batches: [], steps: [] }))
  }

  /** With the gradient of the batch whole and not clipped. */
  beforeUpdate(batch: number): void {
    for (const window of this.#windows) {
      if (batch < window.firstBatch || batch > window.lastBatch) continue
      const layers = this.#network.observe()
      window.batches.push(layers.map(({ outputs }) => outputs))
      if (batch !== window.lastBatch) continue
      window.steps = layers.map(({ gradient, weight, weightGradient }) => ({
        gradient: gradient.slice(),
        weight: weight.slice(),
        weightGradient: weightGradient.slice(),
        update: new Float64Array(weight.length),
      }))
    }
  }

  afterUpdate(batch: number): void {
    for (const { lastBatch, steps } of this.#windows) {
      if (batch !== lastBatch) continue
      for (const [index, { weight }] of this.#network.observe().entries()) {
        const step = steps[index] as Step
        step.update = weight.map((w, i) => w - (step.weight[i] as number))
      }
    }
  }

  observations(): LayerObservation[] {
    return this.#windows
      .filter(({ steps }) => steps.length > 0)
      .map(({ epoch, detail, batches, steps }) => ({
        epoch,
        rows: batches.reduce((sum, [first]) => sum + (first?.rows ?? 0), 0),
        layers: this.#config.layers.map((layer, index) => {
          const outputs = batches.map((layers) => layers[index] as Matrix)
          const statistics = toStatistics(layer, outputs, steps[index] as Step)
          return detail === 'histograms' ? statistics : { ...statistics, histograms: null }
        }),
      }))
  }
}

function toStatistics(
  { activation, units }: LayerConfig,
  batches: readonly Matrix[],
  { gradient, weight, weightGradient, update }: Step,
): LayerStatistics {
  const values = Float64Array.from(batches.flatMap((outputs) => [...outputs.values]))
  const mean = values.reduce((sum, a) => sum + a, 0) / values.length
  const variance = values.reduce((sum, a) => sum + (a - mean) ** 2, 0) / values.length
  const { above, below, tells } = liveOutputs(activation)
  const isFlat = (a: number) => !(a > above && a < below)
  const dead = Array.from({ length: units }, (_, unit) => unit).filter((unit) =>
    values.every((a, i) => i % units !== unit || isFlat(a)),
  )
  return {
    gradientNorm: norm(gradient),
    weightNorm: norm(weight),
    updateRatio: norm(weight) === 0 ? null : norm(update) / norm(weight),
    activationMean: mean,
    activationStd: Math.sqrt(variance),
    deadShare: tells === 'dead' ? dead.length / units : null,
    saturatedShare: tells === 'saturated' ? values.filter(isFlat).length / values.length : null,
    histograms: {
      activations: histogramOf((batches.at(-1) as Matrix).values),
      weights: histogramOf(weight),
      gradients: histogramOf(weightGradient),
    },
  }
}

function norm(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
}
