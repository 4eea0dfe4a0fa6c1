import type { Baseline } from '@trainyard/contracts'

const NAMES: Record<Baseline['name'], string> = {
  majority_class: 'always saying the most frequent class',
  mean: 'always saying the mean',
  linear_model: 'a linear model',
  nearest_neighbors: 'the five nearest neighbors',
}

interface MeasuredBaseline {
  name: Baseline['name']
  metric: Baseline['metric']
  value: number
  /** What the job's best weights reach. */
  reached: number
  /** Rows it learnt from and was judged by, of those there are. */
  trained: number
  judged: number
  of: { training: number; validation: number }
}

export function describeBaseline(measured: MeasuredBaseline): Baseline {
  const { name, metric, value, reached, trained, judged, of } = measured
  const margin = metric === 'val_accuracy' ? reached - value : value - reached
  const learnt = trained < of.training ? `, trained on ${trained} of ${of.training} rows` : ''
  const tried = judged < of.validation ? `, judged by ${judged} of ${of.validation}` : ''
  return {
    ...{ name, metric, value, margin },
    training_rows: trained,
    validation_rows: judged,
    detail: `${compare(measured, margin)}${learnt}${tried}`,
  }
}

function compare({ name, metric, value, reached }: MeasuredBaseline, margin: number): string {
  const amount =
    metric === 'val_accuracy'
      ? `${(100 * Math.abs(margin)).toFixed(1)} points`
      : `a loss that is ${((100 * Math.abs(margin)) / Math.max(value, reached)).toFixed(1)} % lower`
  if (margin === 0) return `does as well as ${NAMES[name]}`
  return margin > 0
    ? `beats ${NAMES[name]} by ${amount}`
    : `is beaten by ${NAMES[name]} by ${amount}`
}
