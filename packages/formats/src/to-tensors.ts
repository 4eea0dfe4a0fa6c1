import type { Tensor } from './safetensors.ts'
import type { WeightsLayer } from './weights-json.ts'

/**
 * The layers as named tensors: `layers.{i}.weight` [out, in] and `layers.{i}.bias` [out], and where there is batch
 * normalization `norms.{i}.weight` (γ), `.bias` (β), `.running_mean` and `.running_var` [out], PyTorch's names for them.
 */
export function toTensors(layers: readonly WeightsLayer[]): Tensor[] {
  return layers.flatMap((layer, i) => {
    const units = layer.bias.length
    const vectors: [string, Float32Array | undefined][] = [
      [`layers.${i}.bias`, layer.bias],
      [`norms.${i}.weight`, layer.gamma],
      [`norms.${i}.bias`, layer.beta],
      [`norms.${i}.running_mean`, layer.runningMean],
      [`norms.${i}.running_var`, layer.runningVariance],
    ]
    return [
      {
        name: `layers.${i}.weight`,
        shape: [units, layer.weight.length / units],
        data: layer.weight,
      },
      ...vectors.flatMap(([name, data]) =>
        data === undefined ? [] : [{ name, shape: [units], data }],
      ),
    ]
  })
}
