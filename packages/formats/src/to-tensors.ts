import type { ExportedNetwork } from './exported-model.ts'
import type { Tensor } from './safetensors.ts'
import { layerNames, type Naming } from './tensor-names.ts'

/** All numbers of a model under their names (`layerNames`), in the order of the layers. */
export function toTensors(
  networks: readonly Pick<ExportedNetwork, 'architecture' | 'layers'>[],
  naming: Naming = 'trainyard',
): Tensor[] {
  return networks.flatMap(({ architecture, layers }, member) => {
    const names = layerNames(architecture, naming, networks.length === 1 ? null : member)
    return layers.flatMap((layer, i) => {
      const name = names[i]
      if (name === undefined) throw new Error(`the architecture has no layer ${i}`)
      const units = layer.bias.length
      const { weight, ...vectors } = layer
      const shape = [units, weight.length / units]
      return [
        { name: name.weight, shape, data: weight },
        ...(['bias', 'gamma', 'beta', 'runningMean', 'runningVariance'] as const).flatMap(
          (part) => {
            const data = vectors[part]
            return data === undefined ? [] : [{ name: name[part], shape: [units], data }]
          },
        ),
      ]
    })
  })
}
