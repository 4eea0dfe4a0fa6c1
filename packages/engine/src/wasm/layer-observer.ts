import type { LayerConfig, NetworkConfig } from '../config.ts'
import {
  histogramOf,
  type LayerObservation,
  type LayerStatistics,
  liveOutputs,
  type ObservationWindow,
} from '../layer-statistics.ts'
import type { JobMemory } from './job-memory.ts'
import { type MeasuredReal, MOMENT_CODES } from './job-record.ts'
import type { Kernels } from './kernels.ts'
import type { LayerMap, MemoryMap } from './memory-map.ts'

/**
 * Called by the kernels in the middle of an epoch: has them measure the batch at hand, whose outputs and
 * gradient still lie in their buffers, and writes none of what they train with.
 */
export class LayerObserver {
  readonly #config: NetworkConfig
  readonly #map: MemoryMap
  readonly #memory: JobMemory
  readonly #kernels: Kernels
  #windows: readonly ObservationWindow[] = []
  #observations: LayerObservation[] = []
  /** The window that the measured totals belong to, and its rows so far. */
  #measured: ObservationWindow | null = null
  #rows = 0
  /** Per layer, of the last step for which they were wanted. */
  #histograms: LayerStatistics['histograms'][] = []

  constructor(config: NetworkConfig, map: MemoryMap, memory: JobMemory, kernels: Kernels) {
    this.#config = config
    this.#map = map
    this.#memory = memory
    this.#kernels = kernels
    for (const [index, { activation }] of config.layers.entries()) {
      memory.writeLiveOutputs(map.layers[index] as LayerMap, liveOutputs(activation))
    }
  }

  /** Before an epoch: which of its batches to observe. Two windows are apart or the same batch. */
  begin(windows: readonly ObservationWindow[]): void {
    this.#windows = windows
    this.#observations = []
    this.#measured = null
    this.#awaitBatch(0)
  }

  observe(moment: number, batch: number): void {
    for (const window of this.#windows) {
      if (batch < window.firstBatch || batch > window.lastBatch) continue
      if (moment === MOMENT_CODES.before_update) this.#measurePass(window, batch)
      else if (batch === window.lastBatch) this.#observations.push(this.#measureUpdate(window))
    }
    if (moment === MOMENT_CODES.after_update) this.#awaitBatch(batch + 1)
  }

  /** Of the epoch so far. */
  observations(): LayerObservation[] {
    return this.#observations
  }

  #measurePass(window: ObservationWindow, batch: number): void {
    // Batches without any weight are passed over, so that the first to come may not be the window's first.
    const isFirst = this.#measured !== window
    this.#measured = window
    // Only full batches are observed.
    const rows = this.#map.batchSize
    this.#rows = isFirst ? rows : this.#rows + rows
    this.#kernels.measureOutputs(rows, Number(isFirst))
    if (batch !== window.lastBatch) return
    this.#kernels.measureStep()
    if (window.detail !== 'histograms') return
    this.#histograms = this.#map.layers.map((layer) => {
      const { inputs, units, unitStride, outputs, weight, weightGradient } = layer
      const read = (at: number, count: number) =>
        histogramOf(this.#memory.readRows(at, count, units, unitStride))
      return {
        activations: read(outputs, rows),
        weights: read(weight, inputs),
        gradients: read(weightGradient, inputs),
      }
    })
  }

  #measureUpdate({ epoch, detail }: ObservationWindow): LayerObservation {
    this.#kernels.measureUpdate()
    const layers = this.#config.layers.map((layer, index) => ({
      ...this.#readStatistics(layer, this.#map.layers[index] as LayerMap),
      histograms: detail === 'histograms' ? (this.#histograms[index] ?? null) : null,
    }))
    return { epoch, rows: this.#rows, layers }
  }

  #readStatistics(
    { activation, units }: LayerConfig,
    map: LayerMap,
  ): Omit<LayerStatistics, 'histograms'> {
    const read = (field: MeasuredReal) => this.#memory.measured(map, field)
    const count = this.#rows * units
    const mean = read('sum') / count
    const weightNorm = read('weightNorm')
    const { tells } = liveOutputs(activation)
    return {
      gradientNorm: read('gradientNorm'),
      weightNorm,
      updateRatio: weightNorm === 0 ? null : read('updateNorm') / weightNorm,
      activationMean: mean,
      activationStd: Math.sqrt(Math.max(read('squares') / count - mean * mean, 0)),
      deadShare: tells === 'dead' ? read('flatUnits') / units : null,
      saturatedShare: tells === 'saturated' ? read('flat') / count : null,
    }
  }

  /** Has the kernels call again at the first batch from `batch` on that a window needs. */
  #awaitBatch(batch: number): void {
    let next: number | null = null
    for (const { firstBatch, lastBatch } of this.#windows) {
      if (lastBatch < batch) continue
      const first = Math.max(firstBatch, batch)
      if (next === null || first < next) next = first
    }
    this.#memory.writeNextObserved(next)
  }
}
