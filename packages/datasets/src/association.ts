/** How strongly two columns go together. Pairs with a missing side are left out; what is not defined or overflows is null. */

/** Pearson's correlation of two columns, NaN being missing. */
export function pearson(x: Float64Array, y: Float64Array): number | null {
  let n = 0
  let meanX = 0
  let meanY = 0
  let xx = 0
  let yy = 0
  let xy = 0
  for (let i = 0; i < x.length; i++) {
    const dx = (x[i] ?? Number.NaN) - meanX
    const dy = (y[i] ?? Number.NaN) - meanY
    if (Number.isNaN(dx) || Number.isNaN(dy)) continue
    // Welford's update: one pass, and no cancellation of large means.
    n += 1
    meanX += dx / n
    meanY += dy / n
    const restY = (y[i] ?? 0) - meanY
    xx += dx * ((x[i] ?? 0) - meanX)
    yy += dy * restY
    xy += dx * restY
  }
  return finiteOrNull(Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy))))
}

/** Correlation ratio η: the square root of the share of the values' variance that lies between the groups. */
export function correlationRatio(
  values: Float64Array,
  groups: Int32Array,
  groupCount: number,
): number | null {
  const sizes = new Float64Array(groupCount)
  const sums = new Float64Array(groupCount)
  let n = 0
  let mean = 0
  let total = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? Number.NaN
    const group = groups[i] ?? -1
    if (Number.isNaN(value) || group < 0) continue
    n += 1
    const distance = value - mean
    mean += distance / n
    total += distance * (value - mean)
    sizes[group] = (sizes[group] ?? 0) + 1
    sums[group] = (sums[group] ?? 0) + value
  }
  let between = 0
  for (const [group, size] of sizes.entries()) {
    if (size > 0) between += size * ((sums[group] ?? 0) / size - mean) ** 2
  }
  return finiteOrNull(Math.sqrt(Math.min(1, between / total)))
}

/** Rows by group and class, [groups, classes]; −1 on either side is missing. */
export interface Contingency {
  counts: Uint32Array
  groups: number
  classes: number
}

export function countPairs(
  groups: Int32Array,
  groupCount: number,
  classes: Int32Array,
  classCount: number,
): Contingency {
  const counts = new Uint32Array(groupCount * classCount)
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i] ?? -1
    const label = classes[i] ?? -1
    if (group < 0 || label < 0) continue
    const at = group * classCount + label
    counts[at] = (counts[at] ?? 0) + 1
  }
  return { counts, groups: groupCount, classes: classCount }
}

/** Cramér's V: √(χ² / (n · (min(groups, classes) − 1))), of the groups and classes that occur. */
export function cramersV({ counts, groups, classes }: Contingency): number | null {
  const groupSums = new Float64Array(groups)
  const classSums = new Float64Array(classes)
  let n = 0
  for (const [at, count] of counts.entries()) {
    const group = Math.floor(at / classes)
    groupSums[group] = (groupSums[group] ?? 0) + count
    classSums[at % classes] = (classSums[at % classes] ?? 0) + count
    n += count
  }
  // χ² = n · (Σ count² / (group sum · class sum) − 1)
  let sum = 0
  for (const [at, count] of counts.entries()) {
    if (count === 0) continue
    sum +=
      (count * count) /
      ((groupSums[Math.floor(at / classes)] ?? 0) * (classSums[at % classes] ?? 0))
  }
  const occurring = (sums: Float64Array) => sums.reduce((k, s) => k + Number(s > 0), 0)
  const degrees = Math.min(occurring(groupSums), occurring(classSums)) - 1
  return degrees < 1 || n === 0 ? null : Math.sqrt(Math.max(0, Math.min(1, (sum - 1) / degrees)))
}

/**
 * Share of the errors of always saying the largest class that is spared by saying the largest class of each group, where
 * a row is judged by the other rows of its group (Goodman and Kruskal's λ, leave-one-out): an id, whose groups are single
 * rows, spares none. Negative when groups mislead.
 */
export function ruleFigure({ counts, groups, classes }: Contingency): number | null {
  const classSums = new Float64Array(classes)
  let n = 0
  let right = 0
  for (let group = 0; group < groups; group++) {
    const row = counts.subarray(group * classes, (group + 1) * classes)
    let first = 0
    let second = 0
    for (const [label, count] of row.entries()) {
      classSums[label] = (classSums[label] ?? 0) + count
      n += count
      if (count > first) {
        second = first
        first = count
      } else if (count > second) second = count
    }
    // Without the row itself its class must still be ahead; then all rows of the largest class are right.
    if (first - 1 > second) right += first
  }
  const largest = classSums.reduce((a, b) => Math.max(a, b), 0)
  return n === largest ? null : (right - largest) / (n - largest)
}

/**
 * Area under the ROC curve of a number for class 1 against class 0, of the better direction; ties count half. `sorted`
 * are the values that are not NaN, ascending.
 */
export function rocArea(
  values: Float64Array,
  sorted: Float64Array,
  classes: Int32Array,
): number | null {
  let high = 0
  let wins = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? Number.NaN
    if (classes[i] !== 1 || Number.isNaN(value)) continue
    high += 1
    const below = countBelow(sorted, value)
    // Most values stand once: one look instead of another search.
    const upTo = sorted[below + 1] === value ? countUpTo(sorted, value) : below + 1
    wins += (below + upTo) / 2
  }
  const low = sorted.length - high
  if (low === 0 || high === 0) return null
  // Against their own class the values win half of all pairs, each against itself included.
  const area = (wins - (high * high) / 2) / (low * high)
  return Math.max(area, 1 - area)
}

/** How many of ascending values are less than `value`. */
function countBelow(sorted: Float64Array, value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}

/** How many of ascending values are at most `value`. */
export function countUpTo(sorted: Float64Array, value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? 0) <= value) low = middle + 1
    else high = middle
  }
  return low
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
