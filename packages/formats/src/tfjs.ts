/**
 * A TensorFlow.js layers model: `model.json` beside `weights.bin`, kernels [in, out]. It takes encoded inputs, one tensor for
 * each network, and gives probabilities (of one sigmoid: the second class's), scores, or the value in its own unit.
 */
import type { Architecture } from '@trainyard/contracts'
import {
  type ExportedNetwork,
  type ModelFile,
  repeatable,
  type ServedModel,
  UnsupportedExportError,
} from './exported-model.ts'
import { bytesOf, describeNetworks } from './safetensors.ts'
import { storedZip, type ZipEntry } from './stored-zip.ts'

type Activation = Architecture['hidden'][number]['activation'] | 'softmax'

interface Layer {
  class_name: string
  config: { name: string; [field: string]: unknown }
  inbound_nodes: unknown[]
}

interface Weight {
  name: string
  shape: number[]
  chunks: () => Iterable<Uint8Array>
}

/** Of gelu in its tanh form, as the engine has it. */
const GELU_SCALE = 0.7978845608028654
const GELU_CUBIC = 0.044715
const LEAK = 0.01
const BATCH_NORM_EPSILON = 1e-5
/** Numbers of a transposed kernel in one piece. */
const NUMBERS_PER_CHUNK = 128 * 1024

export function writeTfjs(model: ServedModel): ModelFile {
  return {
    mediaType: 'application/zip',
    extension: '-tfjs.zip',
    chunks: storedZip(tfjsFiles(model)),
  }
}

/** Throws UnsupportedExportError for the step activation. */
export function tfjsFiles(model: ServedModel): ZipEntry[] {
  const layers: Layer[] = []
  const weights: Weight[] = []
  const outputs = model.networks.map((network, member) => {
    const prefix = model.networks.length === 1 ? '' : `member_${member}_`
    return addNetwork(network, prefix, layers, weights)
  })
  const inputs = layers.filter(({ class_name }) => class_name === 'InputLayer')
  let output = outputs[0] ?? ''
  if (outputs.length > 1) {
    output = 'average'
    const inbound_nodes = [outputs.map((name) => [name, 0, 0, {}])]
    layers.push({ class_name: 'Average', config: { name: output }, inbound_nodes })
  }
  const document = {
    format: 'layers-model',
    generatedBy: 'trainyard',
    convertedBy: null,
    modelTopology: {
      keras_version: '2.15.0',
      backend: 'tensorflow',
      model_config: {
        class_name: 'Functional',
        config: {
          name: 'trainyard',
          layers: layers.map((layer) => ({ ...layer, name: layer.config.name })),
          input_layers: inputs.map(({ config }) => [config.name, 0, 0]),
          output_layers: [[output, 0, 0]],
        },
      },
    },
    weightsManifest: [
      {
        paths: ['weights.bin'],
        weights: weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' })),
      },
    ],
    userDefinedMetadata: describeNetworks(model, 'trainyard'),
  }
  return [
    { name: 'model.json', chunks: [JSON.stringify(document)] },
    {
      name: 'weights.bin',
      chunks: repeatable(function* () {
        for (const { chunks } of weights) yield* chunks()
      }),
    },
  ]
}

/** Adds the layers of a network; answers the name of its last one. */
function addNetwork(
  { architecture, preprocessing, layers: given }: ExportedNetwork,
  prefix: string,
  layers: Layer[],
  weights: Weight[],
): string {
  const { inputs, hidden, output_activation } = architecture
  let last = `${prefix}encoded`
  layers.push({
    class_name: 'InputLayer',
    config: { name: last, batch_input_shape: [null, inputs], dtype: 'float32', sparse: false },
    inbound_nodes: [],
  })
  const add = (class_name: string, name: string, config: object, from = [last]): string => {
    const inbound_nodes = [from.map((input) => [input, 0, 0, {}])]
    last = `${prefix}${name}`
    layers.push({ class_name, config: { name: last, trainable: false, ...config }, inbound_nodes })
    return last
  }
  const keep = (name: string, data: Float32Array) =>
    weights.push({ name, shape: [data.length], chunks: () => bytesOf(data) })
  const activate = (activation: Activation, name: string) => {
    if (activation === 'step') {
      throw new UnsupportedExportError(
        'TensorFlow.js has no step activation; take onnx or esm, which have.',
      )
    }
    if (activation === 'linear') return
    if (activation === 'leaky_relu') add('LeakyReLU', name, { alpha: LEAK })
    else if (activation === 'gelu') addGelu(name)
    else add('Activation', name, { activation: activation === 'silu' ? 'swish' : activation })
  }
  /** z σ(2u): its own `gelu_new` cannot be named in a file, for its reader takes the underscore away. */
  const addGelu = (name: string) => {
    const z = last
    // No layer takes a tensor twice: it would be freed before its second use.
    const cubic = add('Rescaling', `${name}_cubic`, { scale: 2 * GELU_SCALE * GELU_CUBIC })
    add('Multiply', `${name}_square`, {}, [z, cubic])
    const factor = add('Rescaling', `${name}_factor`, { scale: 1, offset: 2 * GELU_SCALE })
    add('Multiply', `${name}_argument`, {}, [z, factor])
    const gate = add('Activation', `${name}_gate`, { activation: 'sigmoid' })
    add('Multiply', name, {}, [z, gate])
  }

  for (const [i, { weight, bias, gamma, beta, runningMean, runningVariance }] of given.entries()) {
    const units = bias.length
    const dense = add('Dense', `dense_${i}`, { units, activation: 'linear', use_bias: true })
    weights.push({
      name: `${dense}/kernel`,
      shape: [weight.length / units, units],
      chunks: () => transposed(weight, units),
    })
    keep(`${dense}/bias`, bias)
    if (gamma && beta && runningMean && runningVariance) {
      const config = { axis: -1, epsilon: BATCH_NORM_EPSILON, center: true, scale: true }
      const norm = add('BatchNormalization', `norm_${i}`, config)
      keep(`${norm}/gamma`, gamma)
      keep(`${norm}/beta`, beta)
      keep(`${norm}/moving_mean`, runningMean)
      keep(`${norm}/moving_variance`, runningVariance)
    }
    const layer = hidden[i]
    if (layer !== undefined) activate(layer.activation, `activation_${i}`)
  }
  activate(output_activation, 'output')
  const target = preprocessing?.target ?? null
  if (target !== null) {
    const name = add('Dense', 'target', { units: 1, activation: 'linear', use_bias: true })
    weights.push({
      name: `${name}/kernel`,
      shape: [1, 1],
      chunks: () => bytesOf(Float32Array.of(target.scale)),
    })
    keep(`${name}/bias`, Float32Array.of(target.center))
  }
  return last
}

/** [out, in] as [in, out], some rows at a time. */
function* transposed(weight: Float32Array, units: number): Generator<Uint8Array> {
  const width = weight.length / units
  const rows = Math.max(1, Math.floor(NUMBERS_PER_CHUNK / units))
  for (let start = 0; start < width; start += rows) {
    const end = Math.min(width, start + rows)
    const piece = new Float32Array((end - start) * units)
    for (let i = start; i < end; i++) {
      for (let unit = 0; unit < units; unit++) {
        piece[(i - start) * units + unit] = weight[unit * width + i] ?? 0
      }
    }
    yield new Uint8Array(piece.buffer)
  }
}
