import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  type ActivationName,
  type BackendName,
  createNetwork,
  type LayerWeights,
  type LossName,
  type NetworkConfig,
  type TrainingData,
  type TrainingOptions,
  train,
} from '../../src/index.ts'
import { drain } from '../fixtures.ts'

type Numbers<Layer> = { [Field in keyof Layer]: number[] }

interface Case
  extends Pick<
    TrainingOptions,
    'optimizer' | 'batchSize' | 'schedule' | 'regularization' | 'gradientClip' | 'classWeights'
  > {
  name: string
  activation: ActivationName
  loss: LossName
  batchNorm?: boolean
  labelSmoothing?: number
  huberDelta?: number
  weighted?: boolean
  losses: number[]
  penalties: number[]
  weights: Numbers<LayerWeights>[]
}

interface Document {
  problem: {
    inputs: number[][]
    classes: number[]
    binary: number[]
    numbers: number[][]
    rowWeights: number[]
  }
  initial: Record<'1' | '3', { weight: number[][]; bias: number[] }[]>
  cases: Case[]
}

const file = new URL('trajectories.json', import.meta.url)
const { problem, initial, cases }: Document = JSON.parse(readFileSync(file, 'utf8'))

/** Relative error of losses, and of weights relative to max(0.05, |w|). */
const TOLERANCES = {
  reference: { loss: 1e-8, weight: 1e-5 },
  wasm: { loss: 2e-4, weight: 2e-3 },
} satisfies Record<BackendName, { loss: number; weight: number }>

describe.each(['reference', 'wasm'] as const)('PyTorch and the %s backend', (backend) => {
  it.each(cases.map((golden) => [golden.name, golden] as const))(
    'agree on %s',
    async (_name, golden) => {
      const config = toConfig(golden)
      const network = await createNetwork(config, {
        backend,
        seed: 1n,
        initialWeights: initialWeights(config),
      })

      const { yielded } = drain(train(network, toOptions(golden)))

      const { loss, weight } = TOLERANCES[backend]
      expect(yielded).toHaveLength(golden.losses.length)
      for (const [epoch, { trainLoss, trainPenalty }] of yielded.entries()) {
        expectWithin(trainLoss, golden.losses[epoch], loss, 0)
        expectWithin(trainPenalty, golden.penalties[epoch], loss, 0)
      }
      for (const [index, layer] of network.weights().entries()) {
        const expected = golden.weights[index]
        expect(Object.keys(layer)).toEqual(Object.keys(expected ?? {}))
        for (const [field, values] of Object.entries(layer) as [
          keyof LayerWeights,
          Float32Array,
        ][]) {
          for (const [i, value] of values.entries()) {
            expectWithin(value, expected?.[field]?.[i], weight, 0.05)
          }
        }
      }
    },
  )
})

function expectWithin(
  actual: number,
  expected = Number.NaN,
  tolerance: number,
  floor: number,
): void {
  const scale = Math.max(floor, Math.abs(expected))
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(tolerance * scale)
}

function toConfig({
  activation,
  loss,
  batchNorm,
  labelSmoothing,
  huberDelta,
}: Case): NetworkConfig {
  const initializer = { type: 'zeros' } as const
  return {
    inputs: problem.inputs[0]?.length ?? 0,
    layers: [
      ...[6, 5].map((units) => ({ units, activation, initializer, batchNorm: batchNorm ?? false })),
      { units: loss === 'binary_cross_entropy' ? 1 : 3, activation: 'linear', initializer },
    ],
    loss,
    labelSmoothing: labelSmoothing ?? 0,
    huberDelta: huberDelta ?? 1,
  }
}

function toOptions(golden: Case): TrainingOptions {
  const { optimizer, batchSize, schedule, regularization, gradientClip, classWeights } = golden
  return {
    training: toData(golden),
    validation: null,
    optimizer,
    batchSize,
    epochs: golden.losses.length,
    shuffle: false,
    seed: 1n,
    earlyStopping: null,
    schedule: schedule ?? null,
    regularization: regularization ?? null,
    gradientClip: gradientClip ?? null,
    classWeights: classWeights ?? null,
  }
}

function toData({ loss, weighted }: Case): TrainingData {
  const { inputs, classes, binary, numbers, rowWeights } = problem
  const isClassification = loss === 'cross_entropy' || loss === 'hinge'
  const targets = isClassification ? classes : loss === 'binary_cross_entropy' ? binary : numbers
  return {
    rows: inputs.length,
    inputs: Float32Array.from(inputs.flat()),
    targets: Float32Array.from(targets.flat()),
    weights: weighted ? Float32Array.from(rowWeights) : null,
  }
}

function initialWeights({ layers }: NetworkConfig): LayerWeights[] {
  return initial[layers.at(-1)?.units === 1 ? '1' : '3'].map(({ weight, bias }, index) => ({
    weight: Float32Array.from(weight.flat()),
    bias: Float32Array.from(bias),
    ...(layers[index]?.batchNorm
      ? {
          gamma: new Float32Array(bias.length).fill(1),
          beta: new Float32Array(bias.length),
          runningMean: new Float32Array(bias.length),
          runningVariance: new Float32Array(bias.length).fill(1),
        }
      : {}),
  }))
}
