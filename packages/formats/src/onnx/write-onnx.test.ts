/** What the files say; that ONNX Runtime computes the server's numbers from them is seen by `npm run test:consumers`. */
import { describe, expect, it } from 'vitest'
import { SERVED_CASES, type ServedCase } from '../../../../test/support/served-models.ts'
import { fileBytes } from '../file-bytes.fixture.ts'
import { type Field, readFields } from './protobuf.ts'
import { writeOnnx } from './write-onnx.ts'

describe('writeOnnx', () => {
  it('says IR 8, opset 17 and where the model comes from', () => {
    const file = fileBytes(writeOnnx(caseOf('two classes').model))

    const fields = readFields(file)
    const opsets = fields.filter(({ number }) => number === 8).map(({ value }) => inside(value))
    const metadata = Object.fromEntries(
      fields.filter(({ number }) => number === 14).map(({ value }) => textsOf(inside(value))),
    )
    expect(fields[0]).toEqual({ number: 1, value: 8n })
    expect(opsets.map((opset) => opset.find(({ number }) => number === 2)?.value)).toEqual([
      17n,
      3n,
    ])
    expect(metadata).toMatchObject({ format: 'trainyard/1', job_id: 'job_*/' })
    expect(JSON.parse(metadata.vectors ?? '')).toHaveLength(8)
  })

  it.each<[string, ServedCase, object, string[], string[]]>([
    ['one matrix of numbers', caseOf('hinge'), {}, ['features'], ['label', 'logits']],
    ['a tensor a column', caseOf('hinge'), { inputs: 'named' }, ['a', 'b'], ['label', 'logits']],
    [
      'a tensor a column where there are texts',
      caseOf('mixed columns and missing values'),
      {},
      ['income', 'town "x"', 'member', 'size', 'since'],
      ['label', 'probabilities', 'logits'],
    ],
    [
      'the members of an ensemble as one',
      caseOf('ensemble of three'),
      {},
      ['features'],
      ['label', 'probabilities'],
    ],
    ['a value', caseOf('regression with a scaled target'), {}, ['features'], ['value']],
  ])('takes and gives %s', (_, { model }, options, inputs, outputs) => {
    const graph = graphOf(fileBytes(writeOnnx(model, options)))

    expect(namesOf(graph, 11)).toEqual(inputs)
    expect(namesOf(graph, 12)).toEqual(outputs)
  })

  it('calls an output otherwise where a column has its name', () => {
    const { model } = structuredClone(caseOf('hinge'))
    const [column] = model.networks[0]?.preprocessing.columns ?? []
    if (column !== undefined) column.column = 'label'

    const graph = graphOf(fileBytes(writeOnnx(model, { inputs: 'named' })))

    expect(namesOf(graph, 11)).toEqual(['label', 'b'])
    expect(namesOf(graph, 12)).toEqual(['label_2', 'logits'])
  })

  it('has no batch normalization left where it is folded', () => {
    const { model } = caseOf('regression with a scaled target')
    const operators = (options: object) =>
      graphOf(fileBytes(writeOnnx(model, options)))
        .filter(({ number }) => number === 1)
        .map(({ value }) => textsOf(inside(value).filter(({ number }) => number === 4))[0])

    expect(operators({})).toContain('BatchNormalization')
    expect(operators({ fold_batch_norm: true })).not.toContain('BatchNormalization')
  })

  it('cannot make one matrix of texts', () => {
    const { model } = caseOf('mixed columns and missing values')

    expect(() => writeOnnx(model, { inputs: 'matrix' })).toThrow('"town "x"" is no number')
  })
})

function caseOf(name: string): ServedCase {
  return SERVED_CASES[name] as ServedCase
}

function inside(value: Field['value'] | undefined): Field[] {
  return value instanceof Uint8Array ? readFields(value) : []
}

function graphOf(file: Uint8Array): Field[] {
  return inside(readFields(file).find(({ number }) => number === 7)?.value)
}

/** Names of the graph's inputs (11) or outputs (12). */
function namesOf(graph: readonly Field[], number: number): string[] {
  return graph
    .filter((field) => field.number === number)
    .map(({ value }) => textsOf(inside(value))[0] ?? '')
}

function textsOf(fields: readonly Field[]): [string, string] {
  return fields.map(({ value }) =>
    value instanceof Uint8Array ? Buffer.from(value).toString() : String(value),
  ) as [string, string]
}
