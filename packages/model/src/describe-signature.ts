import type {
  Architecture,
  Column,
  ColumnTransform,
  ModelSignature,
  Preprocessing,
} from '@trainyard/contracts'

type SignatureInput = ModelSignature['inputs'][number]

/** A network as far as callers see it. */
export interface DescribedNetwork {
  architecture: Architecture
  /** null: it takes encoded inputs. */
  preprocessing: Preprocessing | null
  /** Of the data set, for the ranges; null where it is not known. */
  columns: readonly Column[] | null
}

/** What a model takes and gives; the members of an ensemble have the same inputs (`findEnsembleFaults`). */
export function describeSignature(members: readonly DescribedNetwork[]): ModelSignature {
  const [first] = members
  if (first === undefined) throw new Error('a model has at least one network')
  const { target, task, classes } = first.architecture
  const inputs = members.map(describeInputs)
  return {
    inputs: (inputs[0] ?? []).map((input, i) => mergeInputs(input, inputs, i)),
    output: { name: target, task, classes },
  }
}

/**
 * What weights that came without preprocessing are taken to do: each input is a number, given as it is. With it they are
 * predicted with and exported like all others.
 */
export function encodedInputs({ inputs }: Pick<Architecture, 'inputs'>): Preprocessing {
  const columns = Array.from(
    { length: inputs },
    (_, i): ColumnTransform => ({
      kind: 'numeric',
      column: `input_${i + 1}`,
      type: 'number',
      missing: null,
      log1p: false,
      center: 0,
      scale: 1,
      indicator: false,
    }),
  )
  return { columns, target: null }
}

function describeInputs({ architecture, preprocessing, columns }: DescribedNetwork) {
  const byName = new Map(columns?.map((column) => [column.name, column]))
  return (preprocessing ?? encodedInputs(architecture)).columns.map((transform): SignatureInput => {
    const column = byName.get(transform.column)
    const isCategory = transform.kind === 'one_hot' || transform.kind === 'ordinal'
    return {
      name: transform.column,
      type: typeOf(transform),
      required: isRequired(transform),
      min: isCategory ? null : (column?.min ?? null),
      max: isCategory ? null : (column?.max ?? null),
      levels: isCategory ? transform.levels : null,
    }
  })
}

export function typeOf(transform: ColumnTransform): SignatureInput['type'] {
  if (transform.kind === 'numeric') return transform.type
  return transform.kind === 'date' ? 'date' : 'category'
}

export function isRequired(transform: ColumnTransform): boolean {
  if (transform.kind === 'one_hot' || transform.kind === 'date') return transform.missing_error
  return transform.missing === null
}

/** Required where one of them requires it, with every level and the widest range that one of them knows. */
function mergeInputs(input: SignatureInput, all: readonly SignatureInput[][], i: number) {
  const same = all.flatMap((inputs) => inputs[i] ?? [])
  const numbers = (values: (number | null)[]) => values.filter((value) => value !== null)
  const mins = numbers(same.map(({ min }) => min))
  const maxs = numbers(same.map(({ max }) => max))
  return {
    ...input,
    required: same.some(({ required }) => required),
    min: mins.length === 0 ? null : Math.min(...mins),
    max: maxs.length === 0 ? null : Math.max(...maxs),
    levels: input.levels && [...new Set(same.flatMap(({ levels }) => levels ?? []))],
  }
}
