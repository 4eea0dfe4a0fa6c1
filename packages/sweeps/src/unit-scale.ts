import { exp, log } from '@trainyard/engine/random'
import type { NumericDimension } from './space.ts'

/** From a value to its place between the bounds, 0 to 1. */
export function toUnit(dimension: NumericDimension, value: number): number {
  const { min, max } = dimension
  if (min === max) return 0.5
  if (dimension.scale === 'linear') return (value - min) / (max - min)
  return (log(value) - log(min)) / (log(max) - log(min))
}

/** The value at a place between the bounds, on a step and within the bounds. */
export function fromUnit(dimension: NumericDimension, unit: number): number {
  const { min, max, scale } = dimension
  const value =
    scale === 'linear' ? min + unit * (max - min) : exp(log(min) + unit * (log(max) - log(min)))
  return settle(dimension, value)
}

/** The nearest value that the dimension has. */
export function settle({ min, max, step }: NumericDimension, value: number): number {
  const stepped = step === null ? value : min + Math.round((value - min) / step) * step
  return Math.min(max, Math.max(min, step === null ? stepped : asWritten(stepped)))
}

/** A sum of steps as one would write it: 0.30000000000000004 is 0.3. Whole numbers, seeds of 16 digits too, are so already. */
export function asWritten(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(12))
}
