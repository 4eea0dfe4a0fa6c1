/** Files of weights: our own come back to the bit, and what is none of the kind is refused at once, with the reason. */
import { type ExportFormat, modelSourceSchema } from '@trainyard/contracts'
import { writeModel } from '@trainyard/formats'
import { packLayers } from '@trainyard/model'
import { describe, expect, it } from 'vitest'
import { createGraphBuilder } from '../../../../packages/formats/src/onnx/graph-builder.ts'
import {
  intField,
  message,
  messageField,
  textField,
} from '../../../../packages/formats/src/onnx/protobuf.ts'
import { SERVED_CASES, type ServedCase } from '../../../../test/support/served-models.ts'
import readImport from './import.thread.ts'

const FILE = { name: 'back' }
const ARCHITECTURE = {
  inputs: 2,
  hidden: [{ units: 2, activation: 'relu' }],
  outputs: 1,
  task: 'classification',
  classes: ['no', 'yes'],
}
const QUERY = { name: 'm', architecture: JSON.stringify(ARCHITECTURE) }

describe('our own files', () => {
  const formats: [string, ExportFormat, object][] = [
    ['json', 'json', {}],
    ['safetensors', 'safetensors', {}],
    ['safetensors with the names of PyTorch', 'safetensors', { naming: 'torch' }],
    ['onnx', 'onnx', {}],
  ]

  it.each(formats)('as %s are the same model again, to the bit', (_, format, options) => {
    for (const { model } of Object.values(SERVED_CASES)) {
      const bytes = fileOf(model, format, options)
      const task =
        format === 'json'
          ? { body: Buffer.from(`{"name":"back","weights":${bytes}}`), file: null }
          : { body: bytes, file: FILE }

      const result = readImport(task)

      if (result.kind === 'refused' || result.wish.kind !== 'import') {
        throw new Error(JSON.stringify(result))
      }
      const { weights } = result.wish
      const expected = packLayers(model.networks.flatMap(({ layers }) => layers))
      expect(Buffer.from(weights.bytes).equals(Buffer.from(expected))).toBe(true)
      expect(weights.networks.map(({ preprocessing }) => preprocessing)).toEqual(
        model.networks.map(({ preprocessing }) => preprocessing),
      )
      expect(weights.networks.map(({ architecture }) => architecture)).toEqual(
        model.networks.map(({ architecture }) => architecture),
      )
      expect(modelSourceSchema.parse({ type: 'import', format: result.wish.format })).toBeTruthy()
    }
  })
})

describe("others' files", () => {
  it('are taken where the caller says the architecture, by the names of a PyTorch sequence too', () => {
    const tensors = { '0.weight': [2, 2], '0.bias': [2], '2.weight': [1, 2], '2.bias': [1] }

    expect(readImport({ body: safetensors(tensors), file: QUERY }).kind).toBe('read')
    expect(reasons(readImport({ body: safetensors(tensors), file: FILE }))).toEqual([
      'is required: the file does not say its architecture',
    ])
  })

  it('as ONNX are followed from input to output: dense layers written as Gemm or as MatMul and Add', () => {
    const result = readImport({ body: chain(), file: QUERY })

    if (result.kind === 'refused' || result.wish.kind !== 'import') {
      throw new Error(JSON.stringify(result))
    }
    const values = [...new Float32Array(result.wish.weights.bytes.buffer)]
    // MatMul's matrix is [in, out]; ours is [out, in].
    expect(values).toEqual([1, 3, 2, 4, 5, 6, 7, 8, 9])
    const other = { ...ARCHITECTURE, hidden: [{ units: 2, activation: 'tanh' }] }
    const query = { name: 'm', architecture: JSON.stringify(other) }
    expect(reasons(readImport({ body: chain(), file: query }))).toEqual([
      'Hidden layer 0 is relu in the file, tanh in the architecture',
    ])
  })
})

const SHAPES = {
  'layers.0.weight': [2, 2],
  'layers.0.bias': [2],
  'layers.1.weight': [1, 2],
  'layers.1.bias': [1],
}
const GOOD = safetensors(SHAPES)
const DOCUMENT = {
  name: 'm',
  weights: {
    format: 'trainyard/1',
    architecture: ARCHITECTURE,
    layers: [
      {
        weight: [
          [1, 2],
          [3, 4],
        ],
        bias: [0, 0],
      },
      { weight: [[1, 2]], bias: [0] },
    ],
  },
}
const json = (change: (text: string) => string) => change(JSON.stringify(DOCUMENT))
const ours = fileOf((SERVED_CASES['two classes'] as ServedCase).model, 'onnx')

const MALFORMED: [name: string, body: Buffer | string, reason: RegExp, isJson?: 'json'][] = [
  ['an empty file', '', /empty/],
  ['a file without a header', Buffer.from([1, 0, 0, 0, 0, 0, 0]), /no header|no ONNX model/],
  ['a header of 100,000,001 bytes', header(100_000_001n), /at most 100000000/],
  ['a header of 2⁴⁷ bytes', header(2n ** 47n), /at most 100000000/],
  ['a header beyond the end', header(1000n), /the file has 1 after/],
  ['a file that breaks off in the header', GOOD.subarray(0, 40), /the file has 32 after/],
  ['a file that breaks off in the tensors', GOOD.subarray(0, -4), /the file has 32 bytes of them/],
  ['bytes behind the tensors', Buffer.concat([GOOD, Buffer.alloc(4)]), /the file has 40 bytes/],
  ['a header that is no JSON', raw('{"a":'), /no JSON/],
  ['a header that is no UTF-8', raw(Buffer.from([0x7b, 0xff, 0x7d])), /no JSON/],
  ['a header that is a list', raw(' []'), /begins with \{/],
  ['a name twice', raw(`{"a":${entry([1], 0, 4)},"a":${entry([1], 4, 8)}}`, 8), /a name twice/],
  ['a first offset that is not 0', raw(`{"a":${entry([1], 4, 8)}}`, 8), /leaves a hole/],
  ['a hole', raw(`{"a":${entry([1], 0, 4)},"b":${entry([1], 8, 12)}}`, 12), /leaves a hole/],
  ['an overlap', raw(`{"a":${entry([2], 0, 8)},"b":${entry([2], 4, 12)}}`, 12), /overlaps/],
  ['offsets the wrong way round', raw(`{"a":${entry([1], 4, 0)}}`, 4), /offsets say -4/],
  ['a shape that is not its bytes', raw(`{"a":${entry([3], 0, 8)}}`, 8), /has 12 bytes/],
  [
    'a shape beyond all numbers',
    raw(`{"a":${entry([2 ** 40, 2 ** 40], 0, 4)}}`, 4),
    /offsets say 4/,
  ],
  ['a negative dimension', raw(`{"a":${entry([-1], 0, 4)}}`, 4), /has no shape/],
  ['metadata that are no texts', raw('{"__metadata__":{"a":1}}'), /"a" is no text/],
  ['an unknown dtype', raw('{"a":{"dtype":"F8","shape":[1],"data_offsets":[0,1]}}', 1), /dtype F8/],
  ['an entry that is null', raw('{"a":null}'), /dtype undefined/],
  [
    'a tensor too few',
    safetensors({ ...SHAPES, 'layers.1.bias': null }),
    /"layers.1.bias" is missing/,
  ],
  ['a tensor too many', safetensors({ ...SHAPES, extra: [1] }), /"extra" belongs to no layer/],
  [
    'a matrix the wrong way round',
    safetensors({ ...SHAPES, 'layers.1.weight': [2, 1] }),
    /asks for \[1, 2\]/,
  ],
  ['a weight that is NaN', safetensors(SHAPES, Number.NaN), /holds NaN at 0/],
  ['an infinite weight', safetensors(SHAPES, Number.POSITIVE_INFINITY), /holds Infinity/],
  ['an architecture that is no JSON', GOOD, /must be JSON/],
  ['text that is no model', 'this is not an ONNX file at all', /no ONNX model/],
  ['an ONNX file that breaks off', ours.subarray(0, ours.length >> 1), /no ONNX model/],
  [
    'an ONNX file without its graph',
    Buffer.from([8, 8, 18, 1, 97, 18, 1, 97, 18, 1, 97]),
    /no graph/,
  ],
  ['an operator that is no dense layer', chain('Conv'), /operator Conv/],
  ['two inputs', chain('Relu', { inputs: 2 }), /has 2 inputs/],
  ['a constant of the wrong length', chain('Relu', { shape: [2, 3] }), /has 16 bytes, not 24/],
  ['an ONNX weight that is NaN', chain('Relu', { first: Number.NaN }), /holds NaN/],
  ['JSON that breaks off', json((text) => text.slice(0, -9)), /JSON/, 'json'],
  ['NaN in JSON', json((text) => text.replace('[3,4]', '[NaN,4]')), /NaN/, 'json'],
  [
    'a number beyond float64',
    json((text) => text.replace('[3,4]', '[3e999,4]')),
    /Infinity/,
    'json',
  ],
  ['a number beyond float32', json((text) => text.replace('[3,4]', '[3e99,4]')), /32-bit/, 'json'],
  ['null in JSON', json((text) => text.replace('[3,4]', '[null,4]')), /null/, 'json'],
  ['a row too few', json((text) => text.replace(',[3,4]', '')), /a row for each of 2/, 'json'],
  [
    'a layer too few',
    json((text) => text.replace(/,\{"weight":\[\[1,2\]\],"bias":\[0\]\}/, '')),
    /2 layers/,
    'json',
  ],
  [
    'another format',
    json((text) => text.replace('trainyard/1', 'trainyard/9')),
    /trainyard/,
    'json',
  ],
  [
    'a field nobody knows',
    json((text) => text.replace('"bias"', '"biases"')),
    /known field|required/,
    'json',
  ],
  ['brackets without end', '['.repeat(100_000), /nested more than/, 'json'],
]

describe('a malformed file', () => {
  it.each(MALFORMED)(
    'is refused with the reason in less than 100 ms: %s',
    (name, body, reason, isJson) => {
      const query = name.includes('architecture') ? { ...QUERY, architecture: '{' } : QUERY
      const task = { body: Buffer.from(body), file: isJson === undefined ? query : null }
      // The first call compiles what the others use; of a busy machine the best of three counts.
      const timesMs: number[] = []
      let result = readImport(task)
      for (let i = 0; i < 3; i++) {
        const startedMs = performance.now()
        result = readImport(task)
        timesMs.push(performance.now() - startedMs)
      }

      expect(result.kind).toBe('refused')
      expect(reasons(result).join('\n')).toMatch(reason)
      expect(Math.min(...timesMs)).toBeLessThan(100)
    },
  )
})

function reasons(result: ReturnType<typeof readImport>): string[] {
  if (result.kind !== 'refused') return []
  const { detail, errors } = result.details
  return errors?.map((error) => error.detail) ?? [detail ?? '']
}

function fileOf(
  model: ServedCase['model'],
  format: ExportFormat,
  options: object = {},
): Buffer<ArrayBuffer> {
  const chunks = [...writeModel(model, format, options).chunks]
  return Buffer.concat(chunks.map((chunk) => Buffer.from(chunk as Uint8Array)))
}

function header(length: bigint): Buffer {
  const bytes = Buffer.alloc(9, '{')
  bytes.writeBigUInt64LE(length)
  return bytes
}

/** A safetensors file with this header and so many bytes behind it. */
function raw(text: string | Buffer, bytes = 0): Buffer {
  const content = Buffer.from(text)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(content.length))
  return Buffer.concat([length, content, Buffer.alloc(bytes)])
}

function entry(shape: number[], begin: number, end: number): string {
  return JSON.stringify({ dtype: 'F32', shape, data_offsets: [begin, end] })
}

function safetensors(shapes: Record<string, number[] | null>, first = 1): Buffer<ArrayBuffer> {
  let at = 0
  const fields: string[] = []
  for (const [name, shape] of Object.entries(shapes)) {
    if (shape === null) continue
    const bytes = shape.reduce((a, b) => a * b, 4)
    fields.push(`"${name}":${entry(shape, at, at + bytes)}`)
    at += bytes
  }
  const file = raw(`{${fields.join(',')}}`, at)
  file.writeFloatLE(first, file.length - at)
  return Buffer.from(file)
}

/** MatMul, Add, an operator, Gemm: what another program may have written. */
function chain(
  operator = 'Relu',
  { inputs = 1, shape = [2, 2], first = 1 } = {},
): Buffer<ArrayBuffer> {
  const graph = createGraphBuilder()
  const [x = ''] = Array.from({ length: inputs }, (_, i) => graph.input(`x${i}`, 'float', 2))
  const constant = (dims: number[], ...data: number[]) =>
    graph.constant({ type: 'float', shape: dims, data: Float32Array.from(data) })
  const product = graph.node('MatMul', [x, constant(shape, first, 2, 3, 4)])
  const hidden = graph.node(operator, [graph.node('Add', [product, constant([2], 5, 6)])])
  const gemm = [hidden, constant([1, 2], 7, 8), constant([1], 9)]
  graph.output('logits', graph.node('Gemm', gemm, { transB: 1 }), 'float', 1)
  const model = message([
    intField(1, 8),
    textField(2, 'somebody'),
    messageField(7, graph.build('g')),
  ])
  return Buffer.concat(model.chunks)
}
