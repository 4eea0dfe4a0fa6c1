/** Below this, threads wait for each other longer than they compute. */
const STEP_MIN_MS = 0.02
/** Long enough for V8 to have optimized the kernels, and for a mean that means something. */
const WARM_UP_MS = 30
const MEASURE_MS = 20
const BATCHES_MIN = 4
/** Two threads that gain less are not worth a second core. */
const GAIN_MIN = 1.05
/** What else runs on the machine changes; but measuring must not become what most of the time goes into. */
const MEASURED_ANEW_MS = 5000
const MEASURED_ANEW_AFTER = 50

/**
 * How many of the allowed threads train a job faster than one does, found by trying: a while alone, a while together,
 * and then the better of the two for some seconds. Bits do not depend on it. To be asked before every batch, with the
 * number of threads that are present.
 */
export function chooseThreads(
  allowed: () => number,
  nowMs: () => number = () => performance.now(),
): (present: number) => number {
  let phase: 'warm_up' | 'alone' | 'together' | 'decided' = 'warm_up'
  let threads = 1
  let triedWith = 1
  let aloneMs = 0
  let measuredForMs = 0
  let startedMs = Number.NaN
  let batches = 0

  const enter = (next: typeof phase, count: number) => {
    phase = next
    threads = count
    startedMs = Number.NaN
    batches = 0
  }

  return (present) => {
    const count = allowed()
    // Other jobs have come or gone: what was measured no longer counts.
    if (count !== triedWith) {
      triedWith = count
      if (phase !== 'warm_up') enter('alone', 1)
    }
    if (count === 1) return 1
    // Not yet all there: nothing to be measured.
    if (phase === 'together' && present < count) return threads
    const now = nowMs()
    if (Number.isNaN(startedMs)) {
      startedMs = now
      return threads
    }
    batches++
    const elapsedMs = now - startedMs
    const stepMs = elapsedMs / batches
    const isMeasured = elapsedMs >= MEASURE_MS && batches >= BATCHES_MIN
    if (phase === 'warm_up') {
      if (elapsedMs >= WARM_UP_MS) enter('alone', 1)
    } else if (phase === 'alone') {
      if (isMeasured) {
        aloneMs = stepMs
        measuredForMs = elapsedMs
        if (stepMs < STEP_MIN_MS) enter('decided', 1)
        else enter('together', count)
      }
    } else if (phase === 'together') {
      if (isMeasured) enter('decided', aloneMs > GAIN_MIN * stepMs ? count : 1)
    } else if (elapsedMs >= Math.max(MEASURED_ANEW_MS, MEASURED_ANEW_AFTER * measuredForMs)) {
      enter('alone', 1)
    }
    return threads
  }
}
