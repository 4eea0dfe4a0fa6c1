/** What a fault has shown: values with the bounds they had to keep, and how long things took. */
export interface Findings {
  atMost(what: string, value: number, bound: number): void
  equal(what: string, value: unknown, expected: unknown): void
  /** A value without a bound, for the table. */
  note(what: string, value: number | string): void
  /** From the fault to the job's next start. */
  recovered(durationMs: number): void
  /** A job waited because it had died several times without progress. */
  backedOff(): void
  readonly backOffs: number
  readonly violations: string[]
  readonly notes: string[]
  readonly recoveriesMs: number[]
}

export function collectFindings(): Findings {
  const violations: string[] = []
  const notes: string[] = []
  const recoveriesMs: number[] = []
  let backOffs = 0
  return {
    get backOffs() {
      return backOffs
    },
    backedOff() {
      backOffs++
    },
    violations,
    notes,
    recoveriesMs,
    atMost(what, value, bound) {
      notes.push(`${what} ${format(value)} (≤ ${format(bound)})`)
      if (!(value <= bound)) violations.push(`${what} is ${format(value)}, above ${format(bound)}`)
    },
    equal(what, value, expected) {
      const [given, wanted] = [JSON.stringify(value), JSON.stringify(expected)]
      notes.push(`${what} ${given}`)
      if (given !== wanted) violations.push(`${what} is ${given}, not ${wanted}`)
    },
    note(what, value) {
      notes.push(`${what} ${format(value)}`)
    },
    recovered(durationMs) {
      recoveriesMs.push(durationMs)
    },
  }
}

/** The smallest value that at least `share` of them do not exceed; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

function format(value: number | string): string {
  return typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(2) : String(value)
}
