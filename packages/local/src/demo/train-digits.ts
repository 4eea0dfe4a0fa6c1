import { readFileSync } from 'node:fs'
import {
  datasetSchema,
  type EpochMetrics,
  epochMetricsSchema,
  eventSchema,
  type Job,
  jobSchema,
  metricsListSchema,
  type PredictionItem,
  predictionSchema,
} from '@trainyard/contracts'
import { CHECKOUT } from '../checkout.ts'
import { StartError } from '../start-error.ts'
import type { ApiClient } from './api-client.ts'
import { arrange, drawDigit } from './digit-picture.ts'
import { followEvents } from './event-stream.ts'
import { type Digit, holdOutDigits } from './held-out.ts'
import { createProgress } from './progress.ts'
import type { Terminal } from './terminal.ts'

export interface DemoResult {
  accuracy: number
  right: number
  shown: number
}

const ACCURACY_MIN = 0.96
const RIGHT_MIN = 9
const SEED = 42
const JSON_TYPE = 'application/json'
const LAST_EVENTS = ['job.succeeded', 'job.failed', 'job.cancelled']

/** Uploads, trains, fetches weights, predicts; throws when the outcome is worse than promised. */
export async function trainDigits(
  api: ApiClient,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<DemoResult> {
  const digits = holdOutDigits(readFileSync(`${CHECKOUT}data/digits.csv`, 'utf8'))

  const uploaded = await api.post('/v1/datasets?name=digits&target=digit', 'text/csv', digits.csv)
  const dataset = datasetSchema.parse(await uploaded.json())
  terminal.write(
    `Uploaded data/digits.csv: ${dataset.rows} rows, ${dataset.columns.length - 1} features; ` +
      `${digits.heldOut.length} rows held out.\n`,
  )

  const order = { dataset_id: dataset.id, name: 'digits demo', seed: SEED }
  const submitted = await api.post('/v1/jobs', JSON_TYPE, JSON.stringify(order))
  const job = jobSchema.parse(await submitted.json())
  terminal.write(`Training ${describe(job)}.\n\n`)
  const trained = await watch(api, terminal, signal, job)

  await fetchWeights(api, terminal, trained)
  const right = await predict(api, terminal, trained, digits.heldOut)

  const accuracy = trained.best?.metrics.val_accuracy ?? 0
  if (accuracy < ACCURACY_MIN) {
    throw new StartError(`validation accuracy ${accuracy.toFixed(4)} is below ${ACCURACY_MIN}`)
  }
  if (right < RIGHT_MIN) {
    throw new StartError(`only ${right} of ${digits.heldOut.length} held-out digits are right`)
  }
  return { accuracy, right, shown: digits.heldOut.length }
}

function describe(job: Job): string {
  const { model, training } = job.resolved_config
  const layers = [model.inputs, ...model.hidden.map((layer) => layer.units), model.output.units]
  return (
    `${job.id}: network ${layers.join('-')}, ${job.parameter_count.toLocaleString('en')} parameters, ` +
    `${training.optimizer.type}, batches of ${training.batch_size}`
  )
}

async function watch(
  api: ApiClient,
  terminal: Terminal,
  signal: AbortSignal,
  job: Job,
): Promise<Job> {
  const progress = createProgress(terminal, job.resolved_config.training.epochs)
  let history: EpochMetrics[] | undefined
  try {
    for await (const message of followEvents(
      api.url(`/v1/jobs/${job.id}/events`),
      api.headers,
      signal,
    )) {
      // Anything else is about the stream, not about the job.
      if (!message.type.startsWith('job.')) continue
      const event = eventSchema.parse(JSON.parse(message.data))
      if (event.type === 'job.epoch_completed') progress.show(epochMetricsSchema.parse(event.data))
      if (LAST_EVENTS.includes(event.type)) break
    }
    const metrics = await api.get(`/v1/jobs/${job.id}/metrics`)
    history = metricsListSchema.parse(await metrics.json()).data
  } finally {
    progress.end(history)
  }
  const read = await api.get(`/v1/jobs/${job.id}`)
  const ended = jobSchema.parse(await read.json())
  if (ended.status !== 'succeeded') {
    throw new StartError(
      `the job has ${ended.status}: ${ended.error?.message ?? 'no reason given'}`,
    )
  }
  const reason = (ended.stop_reason ?? '').replaceAll('_', ' ')
  terminal.write(
    `\nEnded after ${ended.epoch} epochs (${reason}); best epoch ${ended.best?.epoch}.\n`,
  )
  return ended
}

async function fetchWeights(api: ApiClient, terminal: Terminal, job: Job): Promise<void> {
  const sizes: string[] = []
  for (const format of ['safetensors', 'json']) {
    const response = await api.get(`/v1/jobs/${job.id}/weights?format=${format}`)
    const { byteLength } = await response.arrayBuffer()
    sizes.push(`${format} ${byteLength.toLocaleString('en')} bytes`)
  }
  terminal.write(`Weights: ${sizes.join(', ')}.\n`)
}

/** Prints each digit with what the model takes it for. Resolves to how many are right. */
async function predict(
  api: ApiClient,
  terminal: Terminal,
  job: Job,
  heldOut: Digit[],
): Promise<number> {
  const order = { records: heldOut.map((digit) => digit.pixels) }
  const response = await api.post(`/v1/jobs/${job.id}/predict`, JSON_TYPE, JSON.stringify(order))
  const { predictions } = predictionSchema.parse(await response.json())
  terminal.write('\nDigits that the model has never seen:\n\n')
  const pictures = heldOut.map((digit, i) => ({
    lines: drawDigit(digit),
    caption: captionOf(digit, predictions[i], terminal),
  }))
  terminal.write(`${arrange(pictures, terminal.columns).join('\n')}\n`)
  return heldOut.filter((digit, i) => predictions[i]?.label === digit.label).length
}

function captionOf(digit: Digit, prediction: PredictionItem | undefined, terminal: Terminal) {
  const label = prediction?.label ?? '?'
  const probability = prediction?.probabilities?.[label] ?? Number.NaN
  const isRight = label === digit.label
  const { paint } = terminal
  return [
    { text: `is ${digit.label}`, paint: paint.dim },
    {
      text: `${isRight ? '✓' : '✗'} ${label}  p=${probability.toFixed(4)}`,
      paint: isRight ? paint.green : paint.red,
    },
  ]
}
