/** The mathematics of one sample, number by number: forward values and gradients of a network or of an expression. */
import { z } from 'zod'
import { namedNumbersSchema, numbersSchema, recordSchema } from './cells.ts'
import { whichWeightsSchema } from './job.ts'
import {
  activationSchema,
  huberSchema,
  LAYERS_MAX,
  LEARNING_RATE_MAX,
  lossSchema,
  modelSpecSchema,
  SEED_MAX,
  trainingSpecSchema,
} from './job-spec.ts'
import { layerDocumentSchema } from './weights.ts'

export const EXPRESSION_LENGTH_MAX = 2000
const VARIABLES_MAX = 1000
/** Of a network that is traced: every one of them stands in the answer. */
export const TRACE_PARAMETERS_MAX = 20_000

const widthSchema = z.int().min(1).max(TRACE_PARAMETERS_MAX)
const valuesSchema = numbersSchema(TRACE_PARAMETERS_MAX)

/** A network written out. The outputs are linear: softmax or sigmoid belong to the loss. */
const tracedNetworkSchema = z.strictObject({
  inputs: widthSchema,
  hidden: modelSpecSchema.shape.hidden.optional(),
  outputs: widthSchema,
  /** Needed for a target. */
  loss: z.union([lossSchema, huberSchema]).optional(),
  label_smoothing: trainingSpecSchema.shape.label_smoothing,
  /** As in a `trainyard/1` document, the output layer last; without them the initializers draw by the seed. */
  layers: z.array(z.strictObject(layerDocumentSchema.shape)).min(1).max(LAYERS_MAX).optional(),
  /** Default 0. */
  seed: z.int().min(0).max(SEED_MAX).optional(),
})
export type TracedNetworkSpec = z.infer<typeof tracedNetworkSchema>

const gradientSourceShape = {
  /** ∂L/∂outputs instead of a target; a number for a network with one output. */
  upstream_gradient: z.union([z.number(), valuesSchema]).optional(),
  /** The answer then holds the parameters after one step of plain gradient descent. */
  learning_rate: z.number().positive().max(LEARNING_RATE_MAX).optional(),
}

export const traceExpressionBodySchema = z.strictObject({
  expression: z.string().min(1).max(EXPRESSION_LENGTH_MAX).meta({
    description:
      'Numbers, variables, + - * /, brackets, and max(a, b) pow(a, b) exp log sin sigmoid tanh relu; at most 1,000 nodes, 100 levels deep.',
  }),
  variables: namedNumbersSchema(VARIABLES_MAX).optional(),
})
export type TraceExpressionBody = z.infer<typeof traceExpressionBodySchema>

export const traceNetworkBodySchema = z.strictObject({
  network: tracedNetworkSchema,
  sample: z.strictObject({
    inputs: valuesSchema,
    /** The index of a class, or a number (a list of them for several outputs). */
    target: z.union([z.number(), valuesSchema]).optional(),
  }),
  ...gradientSourceShape,
})
export type TraceNetworkBody = z.infer<typeof traceNetworkBodySchema>

export const traceJobBodySchema = z.strictObject({
  job_id: z.string(),
  which: whichWeightsSchema.optional(),
  sample: z.strictObject({
    /** Raw, as in the data set. */
    record: recordSchema,
    /** A class by its name, or a number in the target's own unit. */
    target: z.union([z.string(), z.number(), z.boolean()]).optional(),
  }),
  ...gradientSourceShape,
})
export type TraceJobBody = z.infer<typeof traceJobBodySchema>

export const traceModelBodySchema = z.strictObject({
  model: z.string(),
  /** Default: the latest. */
  version: z.int().min(1).optional(),
  sample: z.strictObject({
    /** Raw, where the model has preprocessing. */
    record: recordSchema.optional(),
    /** What the network sees, instead of a record. */
    inputs: valuesSchema.optional(),
    target: traceJobBodySchema.shape.sample.shape.target,
  }),
  ...gradientSourceShape,
})
export type TraceModelBody = z.infer<typeof traceModelBodySchema>

export const traceBodySchema = z.union([
  traceExpressionBodySchema,
  traceNetworkBodySchema,
  traceJobBodySchema,
  traceModelBodySchema,
])
export type TraceBody = z.infer<typeof traceBodySchema>

const resultSchema = z.number().nullable()
const vectorSchema = z.array(resultSchema)

/** Numbers that JSON cannot hold stand as null where they belong; the keys are their places, such as `nodes/3/value`. */
export const nonFiniteSchema = z.record(z.string(), z.enum(['nan', 'inf', '-inf'])).optional()

export const expressionTraceSchema = z
  .object({
    object: z.literal('trace'),
    value: resultSchema,
    /** Inputs before what uses them; the last is the whole expression. */
    nodes: z.array(
      z.object({
        id: z.int(),
        /** `number`, `variable`, or the operation: `add`, `multiply`, `max`, … */
        op: z.string(),
        inputs: z.array(z.int()),
        text: z.string(),
        value: resultSchema,
        /** ∂expression/∂node */
        gradient: resultSchema,
        /** ∂node/∂input of each input; times `gradient` it is what flows back to that input. */
        local_gradients: vectorSchema,
      }),
    ),
    /** Of each variable. */
    gradients: z.record(z.string(), resultSchema),
    non_finite: nonFiniteSchema,
  })
  .meta({ id: 'ExpressionTrace' })
export type ExpressionTrace = z.infer<typeof expressionTraceSchema>

const parametersSchema = z.object({
  /** [out][in], z = W a + b */
  weight: z.array(vectorSchema),
  bias: vectorSchema,
  gamma: vectorSchema.optional(),
  beta: vectorSchema.optional(),
})

export const networkTraceSchema = z
  .object({
    object: z.literal('trace'),
    /** What the network sees: of a record, what preprocessing makes of it. */
    inputs: vectorSchema,
    outputs: vectorSchema,
    /** Softmax of the outputs; of one sigmoid output the probability of the second class; null where there are none. */
    probabilities: vectorSchema.nullable(),
    /** Names of the classes in the order of the outputs, where a job knows them. */
    classes: z.array(z.string()).nullable(),
    /** Of the sample, without penalties; null with an upstream gradient. */
    loss: resultSchema,
    layers: z.array(
      z.object({
        activation: activationSchema,
        /** W a + b, a of the layer below. */
        z: vectorSchema,
        /** Only with batch normalization: gamma · (z − mean) / √(variance + 1e-5) + beta, and a = f(y). */
        y: vectorSchema.optional(),
        a: vectorSchema,
        /** ∂L/∂z */
        delta: vectorSchema,
        parameters: parametersSchema,
        /** ∂L/∂W, ∂L/∂b, … */
        gradients: parametersSchema,
        /** parameters − learning_rate · gradients; null without a learning rate. */
        after_step: parametersSchema.nullable(),
      }),
    ),
    non_finite: nonFiniteSchema,
  })
  .meta({ id: 'NetworkTrace' })
export type NetworkTrace = z.infer<typeof networkTraceSchema>

export const traceSchema = z.union([expressionTraceSchema, networkTraceSchema])
export type Trace = z.infer<typeof traceSchema>
