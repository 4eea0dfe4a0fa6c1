/**
 * Of which epochs the layers are observed and kept: of all as long as they are few, then of every second, every fourth …,
 * so that a job of a hundred thousand epochs keeps as many as one of two hundred.
 */
type ObservationDetail = 'statistics' | 'histograms'

/** Epoch 0, the initial state, epoch 1 and the newest are kept whatever the stride. */
const FIXED_EPOCHS = 3
const OBSERVED_EPOCHS_MAX = 200
const HISTOGRAM_EPOCHS_MAX = 20

/** What to observe of an epoch of a job that may have `epochs` of them; null for nothing. */
export function detailToObserve(epoch: number, epochs: number): ObservationDetail | null {
  return epoch === epochs ? 'histograms' : detailWithin(epoch, epoch)
}

/** What to keep of an epoch once `newest` is the newest that was observed. */
export function detailToKeep(epoch: number, newest: number): ObservationDetail | null {
  return epoch === newest ? 'histograms' : detailWithin(epoch, newest)
}

/** Later epochs than the first are kept if they are multiples of these, the second for histograms. */
export function keptStrides(newest: number): { statistics: number; histograms: number } {
  return {
    statistics: strideWithin(newest, OBSERVED_EPOCHS_MAX),
    histograms: strideWithin(newest, HISTOGRAM_EPOCHS_MAX),
  }
}

function detailWithin(epoch: number, newest: number): ObservationDetail | null {
  const { statistics, histograms } = keptStrides(newest)
  if (epoch <= 1 || epoch % histograms === 0) return 'histograms'
  return epoch % statistics === 0 ? 'statistics' : null
}

/** The smallest power of two that has few enough multiples; one of them is a multiple of every smaller one. */
function strideWithin(newest: number, epochsMax: number): number {
  let stride = 1
  while (newest / stride > epochsMax - FIXED_EPOCHS) stride *= 2
  return stride
}
