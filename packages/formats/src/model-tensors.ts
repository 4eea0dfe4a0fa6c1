/** A file of weights as it was read, before anybody has asked whether they fit together. */
import type { Architecture, FieldError } from '@trainyard/contracts'
import type { WeightsLayer } from './exported-model.ts'
import { type LayerNames, layerNames } from './tensor-names.ts'

export interface TensorFile {
  tensors: ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>
  metadata: Readonly<Record<string, string>>
}

/** The bytes are no file of the format, or one that we cannot take; the text says where and why. */
export class InvalidFileError extends Error {
  override readonly name = 'InvalidFileError'
}

/** A counter that PyTorch keeps beside the statistics; it means nothing for predictions. */
const COUNTER = /\.num_batches_tracked$/

/**
 * The layers of each network, by our names or, where the file has those, by the names of a PyTorch sequence; or every
 * tensor that is missing, has another shape, holds what is no number, or belongs to nothing.
 */
export function takeLayers(
  { tensors }: TensorFile,
  architectures: readonly Architecture[],
): { layers: WeightsLayer[][]; errors: FieldError[] } {
  const prefix = architectures.length === 1 ? '' : 'members.0.'
  const naming = tensors.has(`${prefix}layers.0.weight`) ? 'trainyard' : 'torch'
  const errors: FieldError[] = []
  const used = new Set<string>()
  const take = (name: string, shape: readonly number[]): Float32Array => {
    used.add(name)
    const tensor = tensors.get(name)
    const fault =
      tensor === undefined
        ? 'is missing'
        : tensor.shape.join() === shape.join()
          ? findBadValue(tensor.data)
          : `has the shape [${tensor.shape.join(', ')}], the architecture asks for [${shape.join(', ')}]`
    if (fault !== null) errors.push({ detail: `The tensor "${name}" ${fault}` })
    return tensor?.data ?? new Float32Array(0)
  }
  const layers = architectures.map((architecture, member) => {
    const names = layerNames(architecture, naming, architectures.length === 1 ? null : member)
    const { inputs, hidden, outputs } = architecture
    return [...hidden, { units: outputs, batch_norm: false }].map(({ units, batch_norm }, i) => {
      const name = names[i] as LayerNames
      const width = i === 0 ? inputs : (hidden[i - 1]?.units ?? 0)
      const layer = { weight: take(name.weight, [units, width]), bias: take(name.bias, [units]) }
      if (!batch_norm) return layer
      return {
        ...layer,
        gamma: take(name.gamma, [units]),
        beta: take(name.beta, [units]),
        runningMean: take(name.runningMean, [units]),
        runningVariance: take(name.runningVariance, [units]),
      }
    })
  })
  for (const [network, given] of layers.entries()) {
    for (const [i, layer] of given.entries()) {
      const variance =
        'runningVariance' in layer ? layer.runningVariance.find((v) => v < 0) : undefined
      if (variance === undefined) continue
      const detail = `A variance must be at least 0, got ${variance} in layer ${i} of network ${network}`
      errors.push({ detail })
    }
  }
  for (const name of tensors.keys()) {
    if (used.has(name) || COUNTER.test(name)) continue
    errors.push({ detail: `The tensor "${name}" belongs to no layer of the architecture` })
  }
  return { layers, errors }
}

function findBadValue(data: Float32Array): string | null {
  const at = data.findIndex((value) => !Number.isFinite(value))
  return at < 0 ? null : `holds ${data[at]} at ${at}`
}
