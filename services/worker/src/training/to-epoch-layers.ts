import type { EpochLayers } from '@trainyard/contracts'
import type { LayerObservation } from '@trainyard/engine'

/** The engine's observation under the contract's names. Finite, as all of a completed epoch is. */
export function toEpochLayers({ epoch, rows, layers }: LayerObservation): EpochLayers {
  return {
    epoch,
    rows,
    layers: layers.map((statistics, layer) => ({
      layer,
      gradient_norm: statistics.gradientNorm,
      weight_norm: statistics.weightNorm,
      update_ratio: statistics.updateRatio,
      activation_mean: statistics.activationMean,
      activation_std: statistics.activationStd,
      dead_share: statistics.deadShare,
      saturated_share: statistics.saturatedShare,
      histograms: statistics.histograms,
    })),
  }
}
