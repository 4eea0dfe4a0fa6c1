import { describe, expect, it } from 'vitest'
import { DATATYPES, InferenceError } from './datatypes.ts'
import { parseInferenceRequest } from './parse-inference-request.ts'
import { renderInferenceResponse } from './render-inference-response.ts'

const encode = (document: unknown) => new TextEncoder().encode(JSON.stringify(document))

function parse(document: unknown, ...raw: Uint8Array[]) {
  const json = encode(document)
  return parseInferenceRequest(Buffer.concat([json, ...raw]), raw.length === 0 ? null : json.length)
}

const pair = (overrides: object = {}) => ({
  inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2.5], ...overrides }],
})

describe('a request in JSON', () => {
  it('is read as the example of the specification', () => {
    const request = parse({
      id: '42',
      inputs: [
        { name: 'input0', shape: [2, 2], datatype: 'UINT32', data: [1, 2, 3, 4] },
        { name: 'input1', shape: [1], datatype: 'BOOL', data: [true] },
      ],
      outputs: [{ name: 'output0' }],
    })

    expect(request).toEqual({
      id: '42',
      parameters: {},
      inputs: [
        { name: 'input0', shape: [2, 2], datatype: 'UINT32', data: Uint32Array.of(1, 2, 3, 4) },
        { name: 'input1', shape: [1], datatype: 'BOOL', data: Uint8Array.of(1) },
      ],
      outputs: [{ name: 'output0', parameters: {} }],
    })
  })

  it('may nest its data as the shape has it', () => {
    const flat = parse(pair({ shape: [2, 2], data: [1, 2, 3, 4] }))
    const nested = parse(
      pair({
        shape: [2, 2],
        data: [
          [1, 2],
          [3, 4],
        ],
      }),
    )

    expect(nested).toEqual(flat)
  })

  it.each([
    ['INT8', [-128, 127], Int8Array.of(-128, 127)],
    ['UINT8', [0, 255], Uint8Array.of(0, 255)],
    ['INT16', [-32768, 1], Int16Array.of(-32768, 1)],
    ['UINT16', [0, 65535], Uint16Array.of(0, 65535)],
    ['INT32', [-(2 ** 31), 7], Int32Array.of(-(2 ** 31), 7)],
    ['INT64', [-3, 2 ** 53 - 1], BigInt64Array.of(-3n, 2n ** 53n - 1n)],
    ['UINT64', [0, 9], BigUint64Array.of(0n, 9n)],
    ['FP16', [0.5, -2], Float16Array.of(0.5, -2)],
    ['FP64', [0.1, 1e300], Float64Array.of(0.1, 1e300)],
    ['BYTES', ['a', 'ü'], ['a', 'ü']],
  ])('has elements of %s', (datatype, data, elements) => {
    expect(parse(pair({ datatype, data })).inputs[0]?.data).toEqual(elements)
  })

  it.each([
    ['no JSON', Buffer.from('{'), 'no JSON document'],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'no JSON document in UTF-8'],
    ['no object', encode([]), 'must be a JSON object'],
    ['no inputs', encode({}), 'inputs must be an array of 1 to 64 tensors'],
    ['an id that is no string', encode({ id: 7, ...pair() }), 'id must be a string'],
    ['an unknown field', encode({ ...pair(), ids: 'x' }), 'unknown field "ids"'],
    ['an unknown field of an input', encode(pair({ dtype: 'FP32' })), 'unknown field "dtype"'],
    ['an input without a name', encode(pair({ name: undefined })), 'an input must have a name'],
    ['an unknown datatype', encode(pair({ datatype: 'BF16' })), 'datatype must be one of BOOL'],
    ['a negative dimension', encode(pair({ shape: [-1, 2] })), 'shape must be an array'],
    ['a shape of other size', encode(pair({ shape: [1, 3] })), 'data has 2 elements, its shape 3'],
    ['no data', encode(pair({ data: undefined })), 'data must be an array'],
    ['a text as a number', encode(pair({ data: ['1', 2] })), 'of type string is no FP32'],
    ['null as a number', encode(pair({ data: [null, 2] })), 'of type object is no FP32'],
    ['a fraction as INT8', encode(pair({ datatype: 'INT8', data: [0.5, 1] })), '0.5 is no INT8'],
    ['256 as UINT8', encode(pair({ datatype: 'UINT8', data: [256, 1] })), '256 is no UINT8'],
    ['1 as BOOL', encode(pair({ datatype: 'BOOL', data: [1, true] })), '1 is no BOOL'],
    ['a name twice', encode({ inputs: [...pair().inputs, ...pair().inputs] }), 'hold "x" twice'],
    ['an object as parameter', encode({ ...pair(), parameters: { a: {} } }), 'parameters must be'],
    ['no outputs in the list', encode({ ...pair(), outputs: [] }), 'outputs must be an array'],
  ])('is refused with %s', (_, body, message) => {
    expect(() => parseInferenceRequest(body, null)).toThrow(InferenceError)
    expect(() => parseInferenceRequest(body, null)).toThrow(message)
  })
})

describe('a request with raw tensors', () => {
  it('has them behind the document, in the order of its inputs', () => {
    const first = Float32Array.of(1.5, Number.NaN)
    const texts = Uint8Array.of(1, 0, 0, 0, 0x61, 0, 0, 0, 0)
    const input = (name: string, datatype: string, size: number) => ({
      ...{ name, datatype, shape: [2], parameters: { binary_data_size: size } },
    })

    const { inputs } = parse(
      { inputs: [input('x', 'FP32', 8), input('y', 'BYTES', 9)] },
      new Uint8Array(first.buffer),
      texts,
    )

    expect(inputs.map(({ data }) => data)).toEqual([first, ['a', '']])
  })

  it.each([
    ['too few bytes for the shape', 4, 4, '4 bytes of binary data, 2 elements of FP32 take 8'],
    ['fewer bytes than it says', 8, 4, 'binary_data_size is 8, but 4 bytes are left'],
    ['bytes that belong to no input', 8, 9, '1 bytes behind the tensors belong to no input'],
    ['a size that is no number', 'eight', 8, 'binary_data_size must be a whole number'],
  ])('is refused with %s', (_, size, sent, message) => {
    const document = pair({ data: undefined, parameters: { binary_data_size: size } })

    expect(() => parse(document, new Uint8Array(sent))).toThrow(message)
  })

  it('is refused with data beside them, with a document longer than the body, and with torn texts', () => {
    const both = pair({ parameters: { binary_data_size: 8 } })
    const torn = pair({
      ...{ data: undefined, datatype: 'BYTES', parameters: { binary_data_size: 8 } },
    })

    expect(() => parse(both, new Uint8Array(8))).toThrow('exclude each other')
    expect(() => parseInferenceRequest(encode(pair()), 1000)).toThrow('is 1000, but the body has')
    expect(() => parse(torn, Uint8Array.of(9, 0, 0, 0, 1, 2, 3, 4))).toThrow('are not 2 texts')
  })
})

describe('a response', () => {
  const answer = {
    model_name: 'm',
    model_version: '3',
    outputs: [
      { name: 'p', datatype: 'FP32' as const, shape: [1, 2], data: Float32Array.of(0.25, 0.75) },
      { name: 'label', datatype: 'BYTES' as const, shape: [1], data: ['ü'] },
      { name: 'id', datatype: 'INT64' as const, shape: [1], data: BigInt64Array.of(5n) },
    ],
  }

  it('is JSON unless raw tensors are asked for, and says the id again', () => {
    const { body, jsonBytes } = renderInferenceResponse(
      { id: 'a', parameters: {}, outputs: null },
      answer,
    )

    expect(jsonBytes).toBeNull()
    expect(JSON.parse(Buffer.from(body).toString())).toEqual({
      ...{ model_name: 'm', model_version: '3', id: 'a' },
      outputs: [
        { name: 'p', datatype: 'FP32', shape: [1, 2], data: [0.25, 0.75] },
        { name: 'label', datatype: 'BYTES', shape: [1], data: ['ü'] },
        { name: 'id', datatype: 'INT64', shape: [1], data: [5] },
      ],
    })
  })

  it('has the raw tensors of all outputs, or of those that ask for it', () => {
    const all = renderInferenceResponse(
      { id: null, parameters: { binary_data_output: true }, outputs: null },
      answer,
    )
    const one = renderInferenceResponse(
      {
        id: null,
        parameters: { binary_data_output: true },
        outputs: [
          { name: 'p', parameters: { binary_data: false } },
          { name: 'label', parameters: {} },
          { name: 'id', parameters: { binary_data: false } },
        ],
      },
      answer,
    )

    const document = JSON.parse(Buffer.from(all.body.subarray(0, all.jsonBytes ?? 0)).toString())
    expect(document.outputs).toEqual([
      { name: 'p', datatype: 'FP32', shape: [1, 2], parameters: { binary_data_size: 8 } },
      { name: 'label', datatype: 'BYTES', shape: [1], parameters: { binary_data_size: 6 } },
      { name: 'id', datatype: 'INT64', shape: [1], parameters: { binary_data_size: 8 } },
    ])
    expect([...all.body.subarray(all.jsonBytes ?? 0)]).toEqual([
      ...new Uint8Array(Float32Array.of(0.25, 0.75).buffer),
      ...[2, 0, 0, 0, 0xc3, 0xbc],
      ...[5, 0, 0, 0, 0, 0, 0, 0],
    ])
    expect([...one.body.subarray(one.jsonBytes ?? 0)]).toEqual([2, 0, 0, 0, 0xc3, 0xbc])
  })

  it('gives raw tensors that a request can send back, of every datatype', () => {
    const outputs = DATATYPES.map((datatype) => ({
      ...{ name: datatype, datatype, shape: [2] },
      data: parse(pair({ datatype, shape: [2], data: sampleOf(datatype) })).inputs[0]?.data ?? [],
    }))

    const { body, jsonBytes } = renderInferenceResponse(
      { id: null, parameters: { binary_data_output: true }, outputs: null },
      { model_name: 'm', model_version: '1', outputs },
    )

    const document = JSON.parse(Buffer.from(body.subarray(0, jsonBytes ?? 0)).toString())
    const again = parse({ inputs: document.outputs }, body.subarray(jsonBytes ?? 0))
    expect(again.inputs).toEqual(outputs)
  })
})

function sampleOf(datatype: string): unknown[] {
  if (datatype === 'BYTES') return ['', 'two']
  return datatype === 'BOOL' ? [true, false] : [1, 2]
}
