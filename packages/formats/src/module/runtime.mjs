// From record to answer, without dependencies. The writer of modules puts this text behind the model's description and
// weights; it must stay free of imports. Numbers are doubles, rounded to 32 bits where the server rounds them.

const BATCH_NORM_EPSILON = 1e-5
const DAY_MS = 86_400_000
const DATE =
  /^([1-9]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))(?:[T ]((?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?)(?:\.\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})?)?$/

const logistic = (z) => (z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z)))
const gated = (z, share) => (z === Number.NEGATIVE_INFINITY ? 0 : z * share)
const ACTIVATIONS = {
  linear: (z) => z,
  step: (z) => (Number.isNaN(z) ? z : z < 0 ? 0 : 1),
  sigmoid: logistic,
  tanh: Math.tanh,
  relu: (z) => Math.max(0, z),
  leaky_relu: (z) => (z > 0 ? z : 0.01 * z),
  elu: (z) => (z > 0 ? z : Math.expm1(z)),
  selu: (z) => 1.0507009873554805 * (z > 0 ? z : 1.6732632423543772 * Math.expm1(z)),
  gelu: (z) => gated(z, logistic(1.5957691216057308 * (z + 0.044715 * z * z * z))),
  silu: (z) => gated(z, logistic(z)),
  softplus: (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))),
  softsign: (z) => z / (1 + Math.abs(z)),
}

function createModel({ networks }, weights) {
  const members = networks.map(({ architecture, preprocessing }, i) => ({
    architecture,
    columns: preprocessing.columns.map(makeColumn),
    target: preprocessing.target ?? { center: 0, scale: 1 },
    layers: readLayers(architecture, weights[i]),
  }))
  const predictRecord = (record, i) => {
    const answers = members.map((member) => answer(member, record, i))
    return answers.length === 1 ? answers[0] : average(answers, members[0].architecture.classes)
  }
  return (input) => (Array.isArray(input) ? input.map(predictRecord) : predictRecord(input, null))
}

function answer({ architecture, columns, target, layers }, record, i) {
  let values = encode(columns, architecture.inputs, record, i)
  for (const { weight, bias, norm, activation } of layers)
    values = dense(values, weight, bias, norm, activation)
  if (!values.every(Number.isFinite)) throw fault(i, 'its values are too large for this model')
  const { classes, output_activation: output } = architecture
  if (classes === null) return { value: values[0] * target.scale + target.center }
  if (output === 'linear' || output === 'step') {
    const best = values.length === 1 ? Number(values[0] >= 0) : indexOfLargest(values)
    return { label: classes[best], logits: [...values] }
  }
  return labelled(classes, output === 'softmax' ? softmax(values) : pair(logistic(values[0])))
}

function labelled(classes, shares) {
  const probabilities = Object.fromEntries(classes.map((name, i) => [name, shares[i]]))
  return { label: classes[indexOfLargest(shares)], probabilities }
}

function average(answers, classes) {
  const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length
  if (classes === null) return { value: mean(answers.map(({ value }) => value)) }
  const shares = classes.map((name) =>
    mean(answers.map(({ probabilities }) => probabilities[name])),
  )
  return labelled(classes, Float32Array.from(shares))
}

function softmax(scores) {
  const largest = Math.max(...scores)
  const powers = Array.from(scores, (score) => Math.exp(score - largest))
  const sum = powers.reduce((a, b) => a + b, 0)
  return Float32Array.from(powers, (power) => power / sum)
}

function pair(share) {
  const second = Math.fround(share)
  return Float32Array.of(1 - second, second)
}

/** Of equal values the first. */
function indexOfLargest(values) {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i
  return best
}

function dense(inputs, weight, bias, norm, activation) {
  const width = inputs.length
  const outputs = new Float32Array(bias.length)
  for (let unit = 0; unit < bias.length; unit++) {
    let sum = bias[unit]
    for (let i = 0; i < width; i++) sum += inputs[i] * weight[unit * width + i]
    if (norm) sum = (sum - norm.mean[unit]) * norm.scale[unit] + norm.beta[unit]
    outputs[unit] = activation(sum)
  }
  return outputs
}

function readLayers({ inputs, hidden, outputs }, base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  const view = new DataView(bytes.buffer)
  let at = 0
  const take = (length) => {
    const values = Float32Array.from({ length }, (_, i) => view.getFloat32(at + 4 * i, true))
    at += 4 * length
    return values
  }
  let width = inputs
  return [...hidden, { units: outputs, activation: 'linear', batch_norm: false }].map(
    ({ units, activation, batch_norm }) => {
      const weight = take(width * units)
      const bias = take(units)
      width = units
      return {
        weight,
        bias,
        norm: batch_norm ? takeNorm(take, units) : null,
        activation: ACTIVATIONS[activation],
      }
    },
  )
}

function takeNorm(take, units) {
  const [gamma, beta, mean, variance] = [take(units), take(units), take(units), take(units)]
  const scale = Float64Array.from(gamma, (g, i) => g / Math.sqrt(variance[i] + BATCH_NORM_EPSILON))
  return { scale, beta, mean }
}

function encode(columns, width, record, i) {
  const inputs = new Float32Array(width)
  let offset = 0
  for (const { name, width: columnWidth, write } of columns) {
    if (!Object.hasOwn(record, name))
      throw fault(i, `"${name}": the column is missing from the record`)
    const reason = write(record[name], inputs, offset)
    if (reason) throw fault(i, `"${name}": ${reason}`)
    offset += columnWidth
  }
  return inputs
}

function fault(i, reason) {
  return new RangeError(i === null ? reason : `record ${i + 1}: ${reason}`)
}

/** Each writes the inputs of one cell, or answers why there are none. */
function makeColumn(column) {
  const { width, write } = COLUMNS[column.kind](column)
  if (!column.indicator) return { name: column.column, width, write }
  return {
    name: column.column,
    width: width + 1,
    write: (cell, inputs, offset) => {
      if (isMissing(column, cell)) inputs[offset + width] = 1
      return write(cell, inputs, offset)
    },
  }
}

const trim = (cell) => String(cell).replace(/^[ \t]+|[ \t]+$/g, '')

function isMissing({ kind, levels }, cell) {
  if (cell === null) return true
  if (kind === 'numeric') return false
  return !levels?.includes(String(cell)) && trim(cell) === ''
}

/** The index of a level, -1 for a missing and -2 for an unknown one. */
function makeIndexOf(levels) {
  const known = new Map(levels.map((level, i) => [level, i]))
  return (cell) => {
    if (cell === null) return -1
    const text = trim(cell)
    return known.get(String(cell)) ?? (text === '' ? -1 : (known.get(text) ?? -2))
  }
}

const COLUMNS = {
  numeric: ({ type, missing, log1p, center, scale }) => ({
    width: 1,
    write: (cell, inputs, offset) => {
      if (cell !== null && typeof cell !== type) return `must be a ${type} or null`
      const value = cell === null ? missing : Number(cell)
      if (value === null) return 'the value is missing'
      if (log1p && value <= -1) return `log1p is defined above -1, not for ${value}`
      const input = Math.fround(((log1p ? Math.log1p(value) : value) - center) / scale)
      if (!Number.isFinite(input)) return `${value} is too large for a 32-bit input`
      inputs[offset] = input
    },
  }),
  one_hot: ({ levels, untrained, other, unseen, missing, missing_error }) => {
    const indexOf = makeIndexOf(levels)
    return {
      width: levels.length + Number(other),
      write: (cell, inputs, offset) => {
        const index = indexOf(cell)
        if (index === -1) {
          if (missing_error) return 'the value is missing'
          if (missing !== null) inputs[offset + levels.indexOf(missing)] = 1
        } else if (index >= 0 && !untrained.includes(levels[index])) inputs[offset + index] = 1
        else if (unseen === 'error') return 'the category was not in the training data'
        else if (unseen === 'other') inputs[offset + levels.length] = 1
      },
    }
  },
  ordinal: ({ levels, missing, unseen, center, scale }) => {
    const indexOf = makeIndexOf(levels)
    return {
      width: 1,
      write: (cell, inputs, offset) => {
        const index = indexOf(cell)
        if (index === -2 && unseen === 'error') return 'the category was not in the training data'
        const value = index >= 0 ? index : missing
        if (value === null) return 'the value is missing'
        inputs[offset] = (value - center) / scale
      },
    }
  },
  date: ({ missing, missing_error, center, scale }) => ({
    width: 7,
    write: (cell, inputs, offset) => {
      const text = cell === null ? '' : trim(cell)
      const ms = text === '' ? missing : toMs(text)
      if (text === '' && missing_error) return 'the value is missing'
      if (text !== '' && ms === null) return 'must be a date such as "2024-02-29", or null'
      if (ms === null) return
      const day = Math.floor(ms / DAY_MS)
      const date = new Date(ms)
      const turns = [
        date.getUTCMonth() / 12,
        ((((day + 3) % 7) + 7) % 7) / 7,
        (ms - day * DAY_MS) / DAY_MS,
      ]
      const cycles = turns.flatMap((turn) => [
        Math.sin(2 * Math.PI * turn),
        Math.cos(2 * Math.PI * turn),
      ])
      inputs.set([(date.getUTCFullYear() - center) / scale, ...cycles], offset)
    },
  }),
}

/** Milliseconds since 1970 of a date as it is written, whatever its zone; null for none. */
function toMs(text) {
  const [, day, time = '00:00'] = DATE.exec(text) ?? []
  if (day === undefined) return null
  const ms = Date.parse(`${day}T${time}Z`)
  return new Date(ms).getUTCDate() === Number(day.slice(8)) ? ms : null
}

export { createModel }
