import { type ExportedNetwork, type ModelFile, repeatable } from './exported-model.ts'

/** Numbers in one chunk: a few milliseconds of work, about 80 kB of text. */
const NUMBERS_PER_CHUNK = 4096

/**
 * The `trainyard/1` document, or one of several networks, in pieces, so that fifty million weights neither fill memory with
 * one text nor hold the event loop. Each float32 is printed as the number it is, so reading it back loses nothing.
 */
export function writeWeightsJson(networks: readonly ExportedNetwork[]): ModelFile {
  const [first, second] = networks
  if (first === undefined) throw new Error('a model has at least one network')
  return {
    mediaType: 'application/json; charset=utf-8',
    extension: '.json',
    chunks: repeatable(() => (second === undefined ? networkText(first) : ensembleText(networks))),
  }
}

function* ensembleText(networks: readonly ExportedNetwork[]): Generator<string> {
  yield '{"format":"trainyard-ensemble/1","members":['
  for (const [i, network] of networks.entries()) {
    if (i > 0) yield ','
    yield* networkText(network)
  }
  yield ']}'
}

function* networkText({ architecture, preprocessing, layers }: ExportedNetwork): Generator<string> {
  yield `{"format":"trainyard/1","architecture":${JSON.stringify(architecture)}`
  yield `,"preprocessing":${JSON.stringify(preprocessing)},"layers":[`
  for (const [i, layer] of layers.entries()) {
    const { weight, bias, gamma, beta, runningMean, runningVariance } = layer
    yield `${i === 0 ? '' : ','}{"weight":[`
    yield* rowsText(weight, bias.length)
    yield ']'
    const vectors = { bias, gamma, beta, running_mean: runningMean, running_var: runningVariance }
    for (const [name, values] of Object.entries(vectors)) {
      if (values === undefined) continue
      yield `,"${name}":[`
      yield* numbersText(values)
      yield ']'
    }
    yield '}'
  }
  yield ']}'
}

/** Rows of one matrix; narrow rows share a chunk, wide ones take several. */
function* rowsText(weight: Float32Array, rows: number): Generator<string> {
  const width = weight.length / rows
  let text = ''
  let numbers = 0
  for (let row = 0; row < rows; row++) {
    text += row === 0 ? '[' : ',['
    for (const part of numbersText(weight.subarray(row * width, (row + 1) * width))) {
      text += part
      numbers += Math.min(width, NUMBERS_PER_CHUNK)
      if (numbers < NUMBERS_PER_CHUNK) continue
      yield text
      text = ''
      numbers = 0
    }
    text += ']'
  }
  yield text
}

function* numbersText(values: Float32Array): Generator<string> {
  for (let at = 0; at < values.length; at += NUMBERS_PER_CHUNK) {
    const part = values.subarray(at, at + NUMBERS_PER_CHUNK)
    if (!part.every(Number.isFinite))
      throw new Error('JSON cannot hold weights that are not finite')
    // A join writes −0 as 0, which would lose its sign.
    const isSigned = part.some((value) => Object.is(value, -0))
    const text = isSigned
      ? Array.from(part, (value) => (Object.is(value, -0) ? '-0' : value)).join(',')
      : part.join(',')
    yield (at === 0 ? '' : ',') + text
  }
}
