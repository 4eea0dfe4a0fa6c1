/** A regression tree over the unit cube, as boxes with a mean each: what functional ANOVA integrates over. */
export interface Leaf {
  /** Lower and upper bound by dimension. */
  low: readonly number[]
  high: readonly number[]
  value: number
}

const LEAF_ROWS_MIN = 2
const DEPTH_MAX = 64

/** `rows` are points with their values; each node takes the split that leaves the least squared error. */
export function growTree(
  points: readonly (readonly number[])[],
  values: readonly number[],
  rows: readonly number[],
): Leaf[] {
  const dimensions = points[0]?.length ?? 0
  const leaves: Leaf[] = []
  const grow = (
    own: readonly number[],
    low: readonly number[],
    high: readonly number[],
    depth: number,
  ) => {
    const split = depth < DEPTH_MAX && own.length >= 2 * LEAF_ROWS_MIN ? findSplit(own) : null
    if (split === null) {
      leaves.push({
        low,
        high,
        value: own.reduce((sum, row) => sum + (values[row] as number), 0) / own.length,
      })
      return
    }
    const { dimension, at } = split
    const at2 = (bounds: readonly number[]) =>
      bounds.map((bound, i) => (i === dimension ? at : bound))
    const isLeft = (row: number) => (points[row]?.[dimension] as number) <= at
    grow(own.filter(isLeft), low, at2(high), depth + 1)
    grow(
      own.filter((row) => !isLeft(row)),
      at2(low),
      high,
      depth + 1,
    )
  }
  const findSplit = (own: readonly number[]) => {
    let best: { dimension: number; at: number; error: number } | null = null
    for (let dimension = 0; dimension < dimensions; dimension++) {
      const ordered = own.toSorted((a, b) => at(a, dimension) - at(b, dimension))
      const total = sum(ordered)
      let left = 0
      for (let i = 1; i < ordered.length; i++) {
        left += values[ordered[i - 1] as number] as number
        if (i < LEAF_ROWS_MIN || ordered.length - i < LEAF_ROWS_MIN) continue
        const [a, b] = [
          at(ordered[i - 1] as number, dimension),
          at(ordered[i] as number, dimension),
        ]
        if (a === b) continue
        // Least squared error: the largest sum of squared sums over their rows.
        const error = -(left ** 2 / i + (total - left) ** 2 / (ordered.length - i))
        if (best === null || error < best.error) best = { dimension, at: (a + b) / 2, error }
      }
    }
    return best
  }
  const at = (row: number, dimension: number) => points[row]?.[dimension] as number
  const sum = (own: readonly number[]) =>
    own.reduce((total, row) => total + (values[row] as number), 0)
  const ones = new Array<number>(dimensions)
  grow(rows, ones.slice().fill(0), ones.slice().fill(1), 0)
  return leaves
}
