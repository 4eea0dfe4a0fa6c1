/**
 * Toy data sets as a function of rows, noise and seed alone. Row i draws from its own indices, so a longer set begins
 * with the same rows as a shorter one.
 */
import type { Cell, CURVES, LOGIC_GATES, POINT_CLOUDS } from '@trainyard/contracts'
import { cos, createRandom, sin } from '@trainyard/engine/random'

type PointGenerator = (typeof LOGIC_GATES)[number] | (typeof POINT_CLOUDS)[number]
type CurveGenerator = (typeof CURVES)[number]

export interface PointSpec<Generator = PointGenerator | CurveGenerator> {
  generator: Generator
  rows: number
  /** Standard deviation of Gaussian noise: on both coordinates of a point, on the value of a curve. */
  noise: number
  seed: number
}

interface Point {
  x1: number
  x2: number
  label: number
}

/** `along` says where in its class a point lies, in [0, 1); `normal(k)` are two standard normal numbers. */
interface Draw {
  index: number
  along: number
  normal: (k: 0 | 1) => number
}

const PI = Math.PI
const SPIRAL_TURNS = 1.5
/** Centres of `gauss` and `blobs`; their spread is added to the noise. */
const GAUSS_CENTRE = 1
const CLOUD_SPREAD = 0.4
const BLOB_CENTRES = [
  [0, 1.2],
  [-1.1, -0.7],
  [1.1, -0.7],
] as const

/** Columns and rows of a generated data set; its target is the last column. */
export function generateTable(spec: PointSpec): { columns: string[]; rows: Generator<Cell[]> } {
  return isCurve(spec)
    ? { columns: [...CURVE_FUNCTIONS[spec.generator].inputs, 'y'], rows: generateCurve(spec) }
    : { columns: ['x1', 'x2', 'label'], rows: generatePoints(spec as PointSpec<PointGenerator>) }
}

function isCurve(spec: PointSpec): spec is PointSpec<CurveGenerator> {
  return spec.generator in CURVE_FUNCTIONS
}

/** y = f(x) + noise over x that is uniform in its range. */
function* generateCurve(spec: PointSpec<CurveGenerator>): Generator<Cell[]> {
  const seed = BigInt(spec.seed)
  const place = createRandom(seed, 'place')
  const noise = createRandom(seed, 'noise')
  const { inputs, range, of } = CURVE_FUNCTIONS[spec.generator]
  for (let index = 0; index < spec.rows; index++) {
    const x = inputs.map((_, k) => range * (2 * place.uniform(inputs.length * index + k) - 1))
    yield [...x, of(x[0] ?? 0, x[1] ?? 0) + spec.noise * noise.normal(index)]
  }
}

function* generatePoints(spec: PointSpec<PointGenerator>): Generator<Cell[]> {
  const seed = BigInt(spec.seed)
  const place = createRandom(seed, 'place')
  const spread = createRandom(seed, 'spread')
  const noise = createRandom(seed, 'noise')
  for (let index = 0; index < spec.rows; index++) {
    const point = POINTS[spec.generator]({
      index,
      along: place.uniform(index),
      normal: (k) => spread.normal(2 * index + k),
    })
    yield [
      point.x1 + spec.noise * noise.normal(2 * index),
      point.x2 + spec.noise * noise.normal(2 * index + 1),
      point.label,
    ]
  }
}

/** Inputs are drawn from [-range, range]. */
const CURVE_FUNCTIONS: Record<
  CurveGenerator,
  { inputs: string[]; range: number; of: (x1: number, x2: number) => number }
> = {
  linear: { inputs: ['x'], range: 1, of: (x) => 2 * x + 1 },
  sine: { inputs: ['x'], range: PI, of: (x) => sin(x) },
  plane: { inputs: ['x1', 'x2'], range: 1, of: (x1, x2) => x1 + x2 },
}

const POINTS: Record<PointGenerator, (draw: Draw) => Point> = {
  xor: (draw) => corner(draw, (a, b) => a ^ b),
  and: (draw) => corner(draw, (a, b) => a & b),
  or: (draw) => corner(draw, (a, b) => a | b),
  circles: ({ index, along }) => {
    const label = index % 2
    const radius = label === 0 ? 1 : 0.5
    return { x1: radius * cos(2 * PI * along), x2: radius * sin(2 * PI * along), label }
  },
  moons: ({ index, along }) => {
    const x = cos(PI * along)
    const y = sin(PI * along)
    return index % 2 === 0 ? { x1: x, x2: y, label: 0 } : { x1: 1 - x, x2: 0.5 - y, label: 1 }
  },
  spiral: ({ index, along }) => {
    const label = index % 2
    const angle = 2 * PI * SPIRAL_TURNS * along + PI * label
    return { x1: along * sin(angle), x2: along * cos(angle), label }
  },
  gauss: ({ index, normal }) => {
    const label = index % 2
    const centre = label === 0 ? -GAUSS_CENTRE : GAUSS_CENTRE
    return {
      x1: centre + CLOUD_SPREAD * normal(0),
      x2: centre + CLOUD_SPREAD * normal(1),
      label,
    }
  },
  blobs: ({ index, normal }) => {
    const label = index % BLOB_CENTRES.length
    const [x, y] = BLOB_CENTRES[label] ?? BLOB_CENTRES[0]
    return { x1: x + CLOUD_SPREAD * normal(0), x2: y + CLOUD_SPREAD * normal(1), label }
  },
}

/** The four corners of the truth table in turn: 00, 01, 10, 11. */
function corner({ index }: Draw, gate: (a: number, b: number) => number): Point {
  const x1 = (index >> 1) & 1
  const x2 = index & 1
  return { x1, x2, label: gate(x1, x2) }
}
