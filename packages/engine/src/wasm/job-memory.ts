import type { SessionState } from '../backend.ts'
import type { StepRate } from '../schedules/learning-rate.ts'
import type { LayerWeights } from '../weights.ts'
import {
  type JobInteger,
  type JobReal,
  jobIntegerAddress,
  jobRealAddress,
  type LayerInteger,
  layerIntegerAddress,
  MEASURED_REALS,
  teamWordAddress,
} from './job-record.ts'
import { type LayerMap, layerFloats, type MemoryMap } from './memory-map.ts'

/** What the kernels change from step to step, beside the parameters and moments. */
const STATE_INTEGERS = ['epoch', 'batch', 'step', 'correct'] as const
const STATE_REALS = [
  'learningRate',
  'rateFactor',
  'beta1Power',
  'beta2Power',
  'lossSum',
  'penaltySum',
] as const
/** No epoch has so many batches. */
const NO_BATCH = 2 ** 31 - 1

/** Reads and writes one job's memory by the names of its map. */
export class JobMemory {
  readonly map: MemoryMap
  readonly #integers: Int32Array
  readonly #floats: Float32Array
  readonly #reals: Float64Array

  constructor(memory: { buffer: ArrayBufferLike }, map: MemoryMap) {
    this.map = map
    this.#integers = new Int32Array(memory.buffer)
    this.#floats = new Float32Array(memory.buffer)
    this.#reals = new Float64Array(memory.buffer)
  }

  integer(field: JobInteger): number {
    return this.#integers[jobIntegerAddress(field) / 4] as number
  }

  real(field: JobReal): number {
    return this.#reals[jobRealAddress(field) / 8] as number
  }

  setInteger(field: JobInteger, value: number): void {
    this.#integers[jobIntegerAddress(field) / 4] = value
  }

  setReal(field: JobReal, value: number): void {
    this.#reals[jobRealAddress(field) / 8] = value
  }

  setLayerInteger(layer: number, field: LayerInteger, value: number): void {
    this.#integers[layerIntegerAddress(layer, field) / 4] = value
  }

  /** float64 to an address. */
  writeReals(address: number, values: readonly number[]): void {
    this.#reals.set(values, address / 8)
  }

  /** A view of what is measured of a layer, by `MEASURED_INDICES`. */
  measured(layer: LayerMap): Float64Array {
    const start = layer.measured / 8
    return this.#reals.subarray(start, start + MEASURED_REALS.length)
  }

  /** A view of float32 at an address. */
  floats(address: number, length: number): Float32Array {
    return this.#floats.subarray(address / 4, address / 4 + length)
  }

  /** The row of the training data at a position of the running epoch's order. */
  orderedRow(position: number): number {
    return this.#integers[this.map.order / 4 + position] as number
  }

  /** Threads that the next call to the kernels works with. */
  writeThreads(threads: number): void {
    this.setInteger('threads', threads)
  }

  /** Threads that can work on the job, this one included. */
  presentThreads(): number {
    if (Atomics.load(this.#integers, teamWordAddress('closed') / 4) !== 0) return 1
    return 1 + Atomics.load(this.#integers, teamWordAddress('joined') / 4)
  }

  /** The learning rate of the next step, and what multiplies it from step to step. */
  writeRate({ learningRate, factorPerStep }: StepRate): void {
    this.setReal('learningRate', learningRate)
    this.setReal('rateFactor', factorPerStep)
  }

  /** Rows [rows, width] to an address, each padded to the stride. */
  writeRows(values: Float32Array, rows: number, width: number, stride: number, at: number): void {
    const target = this.floats(at, rows * stride)
    if (width === stride) {
      target.set(values)
      return
    }
    for (let row = 0; row < rows; row++) {
      for (let j = 0; j < width; j++) target[row * stride + j] = values[row * width + j] as number
    }
  }

  /** Rows [rows, width] of a padded matrix at an address, without the padding. */
  readRows(at: number, rows: number, width: number, stride: number): Float32Array {
    const values = new Float32Array(rows * width)
    this.copyRows(at, rows, width, stride, values)
    return values
  }

  /** The same into `target`. */
  copyRows(at: number, rows: number, width: number, stride: number, target: Float32Array): void {
    const start = at / 4
    if (width === stride) {
      target.set(this.#floats.subarray(start, start + rows * stride))
      return
    }
    for (let row = 0; row < rows; row++) {
      for (let j = 0; j < width; j++) {
        target[row * width + j] = this.#floats[start + row * stride + j] as number
      }
    }
  }

  writeWeights(weights: readonly LayerWeights[]): void {
    for (const [index, layer] of this.map.layers.entries()) {
      const { weight, bias, gamma, beta, runningMean, runningVariance } = weights[
        index
      ] as LayerWeights
      const { inputs, units, unitStride } = layer
      const target = this.floats(layer.weight, layerFloats(layer))
      for (let unit = 0; unit < units; unit++) {
        for (let i = 0; i < inputs; i++) {
          target[i * unitStride + unit] = weight[unit * inputs + i] as number
        }
      }
      target.set(bias, inputs * unitStride)
      if (!layer.batchNorm) continue
      target.set(gamma ?? [], (inputs + 1) * unitStride)
      target.set(beta ?? [], (inputs + 2) * unitStride)
      const running = this.floats(layer.running, 2 * unitStride)
      running.set(runningMean ?? [])
      running.set(runningVariance ?? [], unitStride)
    }
  }

  readWeights(which: 'last' | 'best'): LayerWeights[] {
    return this.map.layers.map((layer) => {
      return which === 'best'
        ? this.#readLayer(layer, layer.best, layer.bestRunning)
        : this.#readLayer(layer, layer.weight, layer.running)
    })
  }

  /**
   * Batches of an epoch that the kernels measure; at the last one, `observesValues` has them show the outputs and
   * gradients themselves. None without arguments.
   */
  writeNextObserved(first = NO_BATCH, last = NO_BATCH, observesValues = false): void {
    this.setInteger('nextObserved', first)
    this.setInteger('lastObserved', last)
    this.setInteger('observesValues', Number(observesValues))
  }

  /** What is measured next begins anew. */
  forgetObserved(): void {
    this.setInteger('observedRows', 0)
  }

  /** Copies the parameters and running statistics to the best ones. */
  keepBest(): void {
    const { parameters, best, stateBytes } = this.map
    this.#floats.copyWithin(best / 4, parameters / 4, (parameters + stateBytes) / 4)
  }

  /** The record before the first batch of an epoch, after the last batch of the one before. */
  writeFirstBatch(epoch: number): void {
    this.setInteger('epoch', epoch)
    this.setInteger('batch', 0)
    this.setInteger('step', this.integer('step') + 1)
  }

  /** Between two batches; the bytes are a view. */
  state(): SessionState {
    const numbers = [
      ...STATE_INTEGERS.map((field) => this.integer(field)),
      ...STATE_REALS.map((field) => this.real(field)),
    ]
    return { numbers, bytes: this.#stateBytes() }
  }

  /** The epoch of the state must have begun. */
  restore({ numbers, bytes }: SessionState): void {
    for (const [i, field] of STATE_INTEGERS.entries()) this.setInteger(field, numbers[i] as number)
    for (const [i, field] of STATE_REALS.entries()) {
      this.setReal(field, numbers[STATE_INTEGERS.length + i] as number)
    }
    this.#stateBytes().set(bytes)
  }

  #stateBytes(): Uint8Array {
    const { parameters, gradient } = this.map
    return new Uint8Array(this.#floats.buffer, parameters, gradient - parameters)
  }

  #readLayer(layer: LayerMap, address: number, runningAddress: number): LayerWeights {
    const { inputs, units, unitStride } = layer
    const source = this.floats(address, layerFloats(layer))
    const running = this.floats(runningAddress, 2 * unitStride)
    const vector = (values: Float32Array, index: number) =>
      values.slice(index * unitStride, index * unitStride + units)
    const weight = new Float32Array(units * inputs)
    for (let unit = 0; unit < units; unit++) {
      for (let i = 0; i < inputs; i++) {
        weight[unit * inputs + i] = source[i * unitStride + unit] as number
      }
    }
    const bias = vector(source, inputs)
    if (!layer.batchNorm) return { weight, bias }
    return {
      weight,
      bias,
      gamma: vector(source, inputs + 1),
      beta: vector(source, inputs + 2),
      runningMean: vector(running, 0),
      runningVariance: vector(running, 1),
    }
  }
}
