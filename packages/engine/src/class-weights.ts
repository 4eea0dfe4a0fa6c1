import type { TrainingData } from './backend.ts'
import { classCount, type NetworkConfig } from './config.ts'
import { EngineError } from './errors.ts'

type ClassWeights = 'balanced' | readonly number[]

/** The data with row weights [rows]: that of its class, times its own if it has one. */
export function weighClasses(
  network: NetworkConfig,
  data: TrainingData,
  classWeights: ClassWeights,
): TrainingData {
  const ofClass = classWeights === 'balanced' ? balancedWeights(network, data) : classWeights
  const weights = Float32Array.from(
    data.targets,
    (y, row) => (ofClass[y] as number) * (data.weights?.[row] ?? 1),
  )
  return { ...data, weights }
}

/** Throws `invalid_options` unless there is one weight of at least zero per class. */
export function assertClassWeights(network: NetworkConfig, classWeights: ClassWeights): void {
  const classes = classCount(network)
  if (classes === 0) {
    throw new EngineError('invalid_options', `${network.loss} has no classes to weigh`)
  }
  if (classWeights === 'balanced') return
  const isWeight = (w: number) => w >= 0 && w < Number.POSITIVE_INFINITY
  if (classWeights.length !== classes || !classWeights.every(isWeight)) {
    throw new EngineError('invalid_options', `classWeights must be ${classes} numbers from 0 up`)
  }
}

/** rows / (classes · rows of the class): every class counts the same, and the mean weight is one. */
function balancedWeights(network: NetworkConfig, { rows, targets }: TrainingData): number[] {
  const counts = new Array<number>(classCount(network)).fill(0)
  for (const y of targets) counts[y] = (counts[y] as number) + 1
  return counts.map((count) => rows / (counts.length * count))
}
