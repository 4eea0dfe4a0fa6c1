import type { Architecture, FieldError, LayerDocument } from '@trainyard/contracts'
import type { AnyLayerWeights } from '@trainyard/engine'
import { type LayerShape, layerShapes } from './layer-bytes.ts'

const BATCH_NORM_FIELDS = ['gamma', 'beta', 'running_mean', 'running_var'] as const

/** Where layers of a `trainyard/1` document do not have the shapes of a network. `pointer` is the place of the list. */
export function findLayerFaults(
  layers: readonly LayerDocument[],
  network: Pick<Architecture, 'inputs' | 'hidden' | 'outputs'>,
  pointer: string,
): FieldError[] {
  const shapes = layerShapes(network)
  if (layers.length !== shapes.length) {
    const detail = `must hold ${shapes.length} layers, the output layer last, got ${layers.length}`
    return [{ pointer, detail }]
  }
  return shapes.flatMap((shape, i) =>
    faultsOf(layers[i] as LayerDocument, shape, `${pointer}/${i}`),
  )
}

/** The numbers as they are, in float64. */
export function toLayerWeights(layer: LayerDocument): AnyLayerWeights {
  const { weight, bias, gamma, beta, running_mean, running_var } = layer
  return {
    weight: Float64Array.from(weight.flat()),
    bias: Float64Array.from(bias),
    ...(gamma && { gamma: Float64Array.from(gamma) }),
    ...(beta && { beta: Float64Array.from(beta) }),
    ...(running_mean && { runningMean: Float64Array.from(running_mean) }),
    ...(running_var && { runningVariance: Float64Array.from(running_var) }),
  }
}

function faultsOf(
  layer: LayerDocument,
  { inputs, units, batchNorm }: LayerShape,
  pointer: string,
): FieldError[] {
  const { weight, bias } = layer
  const faults: FieldError[] = []
  if (weight.length !== units) {
    const detail = `must have a row for each of ${units} units ([out][in]), got ${weight.length}`
    faults.push({ pointer: `${pointer}/weight`, detail })
  }
  for (const [row, values] of weight.entries()) {
    faults.push(...lengthFaults(values, inputs, `${pointer}/weight/${row}`))
  }
  faults.push(...lengthFaults(bias, units, `${pointer}/bias`))
  for (const name of BATCH_NORM_FIELDS) {
    const values = layer[name]
    const at = `${pointer}/${name}`
    if (values === undefined && batchNorm) {
      faults.push({ pointer: at, detail: 'is required: the layer has batch normalization' })
    } else if (values !== undefined && !batchNorm) {
      faults.push({ pointer: at, detail: 'the layer has no batch normalization' })
    } else if (values !== undefined) {
      faults.push(...lengthFaults(values, units, at))
    }
  }
  const negative = layer.running_var?.findIndex((variance) => variance < 0) ?? -1
  if (negative >= 0) {
    const detail = `a variance must be at least 0, got ${layer.running_var?.[negative]}`
    faults.push({ pointer: `${pointer}/running_var/${negative}`, detail })
  }
  return faults
}

function lengthFaults(values: readonly number[], length: number, pointer: string): FieldError[] {
  if (values.length === length) return []
  return [{ pointer, detail: `must hold ${length} numbers, got ${values.length}` }]
}
