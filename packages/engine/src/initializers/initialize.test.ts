import { describe, expect, it } from 'vitest'
import type { InitializerConfig } from '../config.ts'
import { initializeLayer } from './initialize.ts'

const INPUTS = 200
const UNITS = 100

describe('initializeLayer', () => {
  it.each([
    [{ type: 'normal', std: 0.01 }, 0.01],
    [{ type: 'xavier_normal' }, Math.sqrt(1 / INPUTS)],
    [{ type: 'glorot_normal' }, Math.sqrt(2 / (INPUTS + UNITS))],
    [{ type: 'he_normal' }, Math.sqrt(2 / INPUTS)],
    [{ type: 'lecun_normal' }, Math.sqrt(1 / INPUTS)],
  ] as [InitializerConfig, number][])('draws %j with its standard deviation', (config, std) => {
    const values = draw(config)

    expect(Math.abs(mean(values)) / std).toBeLessThan(0.03)
    expect(Math.abs(Math.sqrt(mean(values.map((v) => v * v))) / std - 1)).toBeLessThan(0.02)
    expect(Math.max(...values)).toBeGreaterThan(3 * std)
  })

  it.each([
    [{ type: 'uniform', limit: 0.3 }, 0.3],
    [{ type: 'xavier_uniform' }, Math.sqrt(3 / INPUTS)],
    [{ type: 'glorot_uniform' }, Math.sqrt(6 / (INPUTS + UNITS))],
    [{ type: 'he_uniform' }, Math.sqrt(6 / INPUTS)],
  ] as [InitializerConfig, number][])('draws %j up to its limit on both sides', (config, limit) => {
    const values = draw(config)

    expect(Math.max(...values) / limit).toBeCloseTo(1, 2)
    expect(Math.min(...values) / limit).toBeCloseTo(-1, 2)
    expect(Math.abs(mean(values)) / limit).toBeLessThan(0.03)
  })

  it.each([
    [3, 5],
    [5, 3],
    [4, 4],
    [1, 6],
  ])('draws orthonormal rows or columns for [%i, %i]', (units, inputs) => {
    const { weight } = initializeLayer({ type: 'orthogonal' }, inputs, units, 3n, 0)

    const at = (unit: number, i: number) => weight[unit * inputs + i] as number
    const [few, many] = [Math.min(units, inputs), Math.max(units, inputs)]
    for (let a = 0; a < few; a++) {
      for (let b = 0; b < few; b++) {
        let product = 0
        for (let i = 0; i < many; i++) {
          product += units <= inputs ? at(a, i) * at(b, i) : at(i, a) * at(i, b)
        }
        expect(product).toBeCloseTo(a === b ? 1 : 0, 6)
      }
    }
  })

  it('starts biases, and weights of `zeros`, at zero', () => {
    const { weight, bias } = initializeLayer({ type: 'zeros' }, 3, 2, 1n, 0)

    expect(weight).toEqual(new Float32Array(6))
    expect(bias).toEqual(new Float32Array(2))
  })

  it('depends on the seed and the layer', () => {
    const first = initializeLayer({ type: 'he_normal' }, 3, 2, 1n, 0)

    expect(initializeLayer({ type: 'he_normal' }, 3, 2, 1n, 0)).toEqual(first)
    expect(initializeLayer({ type: 'he_normal' }, 3, 2, 2n, 0)).not.toEqual(first)
    expect(initializeLayer({ type: 'he_normal' }, 3, 2, 1n, 1)).not.toEqual(first)
  })
})

function draw(config: InitializerConfig): number[] {
  return [...initializeLayer(config, INPUTS, UNITS, 5n, 0).weight]
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, v) => sum + v, 0) / values.length
}
