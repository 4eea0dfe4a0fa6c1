import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fileBytes } from './file-bytes.fixture.ts'
import { writeSafetensors } from './safetensors.ts'

describe('writeSafetensors', () => {
  it('writes the published test vector byte for byte', () => {
    const file = writeSafetensors({
      tensors: [
        { name: 'layers.0.weight', shape: [1, 2], data: Float32Array.of(1, -2) },
        { name: 'layers.0.bias', shape: [1], data: Float32Array.of(0.5) },
      ],
      metadata: { format: 'mlp' },
    })

    const bytes = fileBytes(file)

    expect(bytes.byteLength).toBe(188)
    expect(bytes.subarray(0, 8).toString('hex')).toBe('a800000000000000')
    expect(bytes.subarray(-12).toString('hex')).toBe('0000803f000000c00000003f')
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(
      '05239fdb9d6845d0c434c6e1f5a62ab841e117b7e22e87f548e977c44381427a',
    )
  })

  it('pads the header with spaces to eight bytes, and gives offsets that follow one another', () => {
    const file = writeSafetensors({
      tensors: [
        { name: 'a', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
        { name: 'none', shape: [0], data: new Float32Array(0) },
        { name: 'scalar', shape: [], data: Float32Array.of(7) },
      ],
      metadata: {},
    })

    const bytes = fileBytes(file)

    const length = Number(bytes.readBigUInt64LE(0))
    const header = bytes.subarray(8, 8 + length).toString()
    expect(length % 8).toBe(0)
    expect(header.trimEnd().endsWith('}')).toBe(true)
    expect(header.slice(header.trimEnd().length)).toMatch(/^ *$/)
    expect(JSON.parse(header)).toMatchObject({
      a: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] },
      none: { data_offsets: [24, 24] },
      scalar: { shape: [], data_offsets: [24, 28] },
    })
    expect(bytes.byteLength).toBe(8 + length + 28)
    expect(bytes.readFloatLE(bytes.byteLength - 4)).toBe(7)
  })

  it('gives large tensors in pieces of a megabyte, views that copy nothing', () => {
    const data = new Float32Array(600_000)

    const pieces = [
      ...writeSafetensors({ tensors: [{ name: 'a', shape: [600_000], data }], metadata: {} })
        .chunks,
    ].filter((piece) => typeof piece !== 'string')

    expect(pieces.slice(1).map((piece) => piece.byteLength)).toEqual([1048576, 1048576, 302848])
    expect(pieces[1]?.buffer).toBe(data.buffer)
  })

  it('refuses a tensor whose shape is not its size', () => {
    const tensors = [{ name: 'a', shape: [3], data: new Float32Array(2) }]

    expect(() => writeSafetensors({ tensors, metadata: {} })).toThrow('shape [3] has 2 values')
  })
})
