/** Axes: round numbers for ticks, and where a value lies in the picture. */
export interface Axis {
  ticks: { value: number; label: string }[]
  /** Pixels of a value; values outside the axis lie outside the picture. */
  place: (value: number) => number
}

const LOG_RATIO_MIN = 200

/** From `from` to `to` pixels; the ends of the axis are round numbers around the values. */
export function makeLinearAxis(
  values: readonly number[],
  from: number,
  to: number,
  count: number,
): Axis {
  const lowest = Math.min(...values)
  const highest = Math.max(...values)
  const step = roundStep((highest - lowest || Math.abs(highest) || 1) / count)
  const start = Math.floor(lowest / step + 1e-9) * step
  const end = Math.max(Math.ceil(highest / step - 1e-9) * step, start + step)
  const ticks: Axis['ticks'] = []
  for (let i = 0; start + i * step <= end + step / 2; i++) {
    const value = Number((start + i * step).toPrecision(12))
    ticks.push({ value, label: toLabel(value) })
  }
  return { ticks, place: (value) => from + ((value - start) / (end - start)) * (to - from) }
}

/** Powers of ten where the values span more than two of them, else linear. */
export function makeLossAxis(values: readonly number[], from: number, to: number): Axis {
  const lowest = Math.min(...values)
  const highest = Math.max(...values)
  if (!(lowest > 0 && highest / lowest > LOG_RATIO_MIN)) return makeLinearAxis(values, from, to, 5)
  const start = Math.floor(Math.log10(lowest))
  const end = Math.ceil(Math.log10(highest))
  const every = Math.ceil((end - start) / 6)
  const ticks: Axis['ticks'] = []
  for (let power = start; power <= end; power += every) {
    ticks.push({ value: 10 ** power, label: toLabel(10 ** power) })
  }
  return {
    ticks,
    place: (value) => from + ((Math.log10(value) - start) / (end - start)) * (to - from),
  }
}

/** Epochs are counted: ticks between two of them would say nothing. */
export function makeEpochAxis(last: number, from: number, to: number): Axis {
  const step = Math.max(1, roundStep(Math.max(1, last) / 6))
  const ticks: Axis['ticks'] = []
  for (let value = 0; value <= last; value += step) ticks.push({ value, label: toLabel(value) })
  return { ticks, place: (value) => from + (value / Math.max(1, last)) * (to - from) }
}

/** 1, 2 or 5 times a power of ten, not below the step asked for. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step))
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= step * (1 - 1e-9)) ?? 10
  return factor * power
}

function toLabel(value: number): string {
  const size = Math.abs(value)
  if (value !== 0 && (size >= 1e6 || size < 1e-3)) return value.toExponential().replace('e+', 'e')
  return String(Number(value.toPrecision(6)))
}
