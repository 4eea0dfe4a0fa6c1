/** Nodes and constants of an ONNX graph as they are asked for, each under a name that no other has. */
import {
  bytesField,
  floatField,
  intField,
  type Message,
  message,
  messageField,
  textField,
} from './protobuf.ts'

/** onnx.proto's TensorProto.DataType. */
export const ELEMENT_TYPES = { float: 1, int64: 7, string: 8, bool: 9, double: 11 } as const
export type ElementType = keyof typeof ELEMENT_TYPES

type Attribute = number | string | readonly number[] | readonly string[] | { float: number }

/** The name of a value that a node or the graph gives. */
export type Value = string

export interface Constant {
  type: ElementType
  shape: readonly number[]
  data: Float32Array | Float64Array | readonly number[] | readonly string[]
}

export type GraphBuilder = ReturnType<typeof createGraphBuilder>

const CHUNK_BYTES = 1024 * 1024
export const ML_DOMAIN = 'ai.onnx.ml'

export function createGraphBuilder() {
  const taken = new Set<string>()
  const parts: { nodes: Message[]; constants: Message[]; inputs: Message[]; outputs: Message[] } = {
    ...{ nodes: [], constants: [], inputs: [], outputs: [] },
  }
  let count = 0

  /** A value with the batch as its first dimension. */
  const declare = (name: string, type: ElementType, width: number | null): Message =>
    message([
      textField(1, name),
      messageField(
        2,
        messageField(
          1,
          message([
            intField(1, ELEMENT_TYPES[type]),
            messageField(
              2,
              message([
                messageField(1, textField(2, 'batch')),
                ...(width === null ? [] : [messageField(1, intField(1, width))]),
              ]),
            ),
          ]),
        ),
      ),
    ])

  const builder = {
    /** An input [batch, width] of the graph. */
    input(name: string, type: ElementType, width: number): Value {
      taken.add(name)
      parts.inputs.push(declare(name, type, width))
      return name
    },

    /** Gives a value to the outside, [batch, width] or [batch]; under another name where an input has it. */
    output(wanted: string, value: Value, type: ElementType, width: number | null): string {
      const name = unused(wanted)
      builder.node('Identity', [value], {}, { name })
      parts.outputs.push(declare(name, type, width))
      return name
    },

    constant({ type, shape, data }: Constant, wanted = `const/${count++}`): Value {
      const name = unused(wanted)
      const values =
        type === 'string'
          ? (data as readonly string[]).map((text) => textField(6, text))
          : [bytesField(9, rawBytes(type, data as readonly number[] | Float32Array))]
      const tensor = [
        ...shape.map((dimension) => intField(1, dimension)),
        intField(2, ELEMENT_TYPES[type]),
        ...values,
        textField(8, name),
      ]
      parts.constants.push(message(tensor))
      return name
    },

    node(
      type: string,
      inputs: readonly Value[],
      attributes: Readonly<Record<string, Attribute>> = {},
      { name = unused(`node/${count++}`), domain = '' } = {},
    ): Value {
      parts.nodes.push(
        message([
          ...inputs.map((input) => textField(1, input)),
          textField(2, name),
          textField(3, name),
          textField(4, type),
          ...Object.entries(attributes).map(([key, value]) =>
            messageField(5, attribute(key, value)),
          ),
          ...(domain === '' ? [] : [textField(7, domain)]),
        ]),
      )
      return name
    },

    /** The whole graph. */
    build(name: string): Message {
      return message([
        ...parts.nodes.map((node) => messageField(1, node)),
        textField(2, name),
        ...parts.constants.map((tensor) => messageField(5, tensor)),
        ...parts.inputs.map((input) => messageField(11, input)),
        ...parts.outputs.map((output) => messageField(12, output)),
      ])
    },
  }
  return builder

  function unused(wanted: string): string {
    let name = wanted
    for (let i = 2; taken.has(name); i++) name = `${wanted}_${i}`
    taken.add(name)
    return name
  }
}

function attribute(name: string, value: Attribute): Message {
  const typed = (type: number, fields: Message[]) =>
    message([textField(1, name), ...fields, intField(20, type)])
  if (typeof value === 'number') return typed(2, [intField(3, value)])
  if (typeof value === 'string') return typed(3, [textField(4, value)])
  if ('float' in value) return typed(1, [floatField(2, value.float)])
  if (typeof value[0] === 'string')
    return typed(
      8,
      value.map((text) => textField(9, String(text))),
    )
  return typed(
    7,
    value.map((number) => intField(8, Number(number))),
  )
}

/** Little-endian, as ONNX wants it; float32 stays where it is. */
function rawBytes(
  type: ElementType,
  data: readonly number[] | Float32Array | Float64Array,
): Uint8Array[] {
  if (data instanceof Float32Array && type === 'float') {
    const chunks: Uint8Array[] = []
    for (let at = 0; at < data.byteLength; at += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES, data.byteLength - at)
      chunks.push(new Uint8Array(data.buffer, data.byteOffset + at, length))
    }
    return chunks
  }
  const array =
    type === 'float'
      ? Float32Array.from(data)
      : type === 'double'
        ? Float64Array.from(data)
        : type === 'bool'
          ? Uint8Array.from(data)
          : BigInt64Array.from(data, BigInt)
  return [new Uint8Array(array.buffer)]
}

/** Side by side, [batch, sum of widths]. */
export function concat(graph: GraphBuilder, values: readonly Value[]): Value {
  const [only, ...others] = values
  if (only !== undefined && others.length === 0) return only
  return graph.node('Concat', values, { axis: 1 })
}

export function toFloat(graph: GraphBuilder, value: Value): Value {
  return graph.node('Cast', [value], { to: 1 })
}
