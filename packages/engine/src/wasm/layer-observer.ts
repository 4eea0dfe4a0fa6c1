import type { LayerConfig, NetworkConfig } from '../config.ts'
import {
  histogramOf,
  type LayerObservation,
  type LayerStatistics,
  liveOutputs,
  type ObservationWindow,
} from '../layer-statistics.ts'
import type { JobMemory } from './job-memory.ts'
import { MEASURED_INDICES, MOMENT_CODES } from './job-record.ts'
import type { LayerMap, MemoryMap } from './memory-map.ts'

/**
 * Tells the kernels which batches of an epoch to measure, and is called by them in its middle to read the figures while
 * outputs and gradient still lie in their buffers. Writes none of what they train with.
 */
export class LayerObserver {
  readonly #config: NetworkConfig
  readonly #map: MemoryMap
  readonly #memory: JobMemory
  #windows: readonly ObservationWindow[] = []
  #observations: LayerObservation[] = []
  /** Per layer, of the last step for which they were wanted. */
  #histograms: LayerStatistics['histograms'][] = []

  constructor(config: NetworkConfig, map: MemoryMap, memory: JobMemory) {
    this.#config = config
    this.#map = map
    this.#memory = memory
    for (const [index, { activation }] of config.layers.entries()) {
      const figures = memory.measured(map.layers[index] as LayerMap)
      const { above, below } = liveOutputs(activation)
      figures[MEASURED_INDICES.above] = above
      figures[MEASURED_INDICES.below] = below
    }
  }

  /** Before an epoch: which of its batches to observe. Windows are in order, and two are apart or the same batch. */
  begin(windows: readonly ObservationWindow[]): void {
    this.#windows = windows
    this.#observations = []
    this.#memory.forgetObserved()
    this.#awaitBatch(0)
  }

  observe(moment: number, batch: number): void {
    switch (moment) {
      case MOMENT_CODES.missed:
        this.#awaitBatch(batch)
        break
      case MOMENT_CODES.before_update:
        this.#histograms = this.#readHistograms()
        break
      case MOMENT_CODES.after_update:
        for (const window of this.#windows) {
          if (window.lastBatch === batch) this.#observations.push(this.#readObservation(window))
        }
        this.#memory.forgetObserved()
        this.#awaitBatch(batch + 1)
    }
  }

  /** Of the epoch so far. */
  observations(): LayerObservation[] {
    return this.#observations
  }

  #readHistograms(): LayerStatistics['histograms'][] {
    return this.#map.layers.map((layer) => {
      const { inputs, units, unitStride, outputs, weight, weightGradient } = layer
      const read = (at: number, count: number) =>
        histogramOf(this.#memory.readRows(at, count, units, unitStride))
      return {
        // Only full batches are observed.
        activations: read(outputs, this.#map.batchSize),
        weights: read(weight, inputs),
        gradients: read(weightGradient, inputs),
      }
    })
  }

  #readObservation({ epoch, detail }: ObservationWindow): LayerObservation {
    const rows = this.#memory.integer('observedRows')
    const layers = this.#config.layers.map((layer, index) =>
      this.#readStatistics(
        layer,
        this.#map.layers[index] as LayerMap,
        rows,
        detail === 'histograms' ? (this.#histograms[index] ?? null) : null,
      ),
    )
    return { epoch, rows, layers }
  }

  #readStatistics(
    { activation, units }: LayerConfig,
    map: LayerMap,
    rows: number,
    histograms: LayerStatistics['histograms'],
  ): LayerStatistics {
    const figures = this.#memory.measured(map)
    const count = rows * units
    const mean = (figures[MEASURED_INDICES.sum] ?? 0) / count
    const square = (figures[MEASURED_INDICES.squares] ?? 0) / count
    const weightNorm = figures[MEASURED_INDICES.weightNorm] ?? 0
    const updateNorm = figures[MEASURED_INDICES.updateNorm] ?? 0
    const { tells } = liveOutputs(activation)
    return {
      gradientNorm: figures[MEASURED_INDICES.gradientNorm] ?? 0,
      weightNorm,
      updateRatio: weightNorm === 0 ? null : updateNorm / weightNorm,
      activationMean: mean,
      activationStd: Math.sqrt(Math.max(square - mean * mean, 0)),
      deadShare: tells === 'dead' ? (figures[MEASURED_INDICES.flatUnits] ?? 0) / units : null,
      saturatedShare: tells === 'saturated' ? (figures[MEASURED_INDICES.flat] ?? 0) / count : null,
      histograms,
    }
  }

  /** Has the kernels measure the batches from `batch` on that the next window needs. */
  #awaitBatch(batch: number): void {
    const next = this.#windows.find(({ lastBatch }) => lastBatch >= batch)
    if (next === undefined) {
      this.#memory.writeNextObserved()
      return
    }
    const { firstBatch, lastBatch } = next
    const wantsValues = this.#windows.some(
      (window) => window.lastBatch === lastBatch && window.detail === 'histograms',
    )
    this.#memory.writeNextObserved(firstBatch, lastBatch, wantsValues)
  }
}
