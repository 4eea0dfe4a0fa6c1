/** A model of each kind, trained by a stack of our own, with a thousand records and what the server answers. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Cell,
  ensembleDocumentSchema,
  type Job,
  type ModelSignature,
  modelVersionSchema,
  type PredictionItem,
  weightsDocumentSchema,
} from '@trainyard/contracts'
import { encodeRecords } from '@trainyard/datasets'
import { waitFor } from '../support/wait-for.ts'

export const ROWS = 1000
/** A prediction takes so many records at most of the wide table. */
const RECORDS_PER_REQUEST = 250
const TRAINED_MS = 120_000

/** What is asked of a model of some kind. */
interface Kind {
  name: string
  dataset: object | { csv: string; query: string }
  jobs: object[]
}

export interface Case {
  name: string
  folder: string
  /** Answers of the server, by record. */
  expected: PredictionItem[]
  /** Below this a value counts as it: the spread of the target, where errors are relative to the value. */
  valueFloor: number
}

const hidden = (...layers: object[]) => ({ hidden: layers })
const epochs = (count: number, more: object = {}) => ({ epochs: count, ...more })

export const KINDS: Kind[] = [
  {
    name: 'batch-norm-dropout',
    dataset: { builtin: { generator: 'digits' } },
    jobs: [
      {
        seed: 1,
        model: hidden(
          { units: 32, activation: 'relu', batch_norm: true, dropout: 0.2 },
          { units: 24, activation: 'gelu', batch_norm: true, dropout: 0.1 },
          { units: 16, activation: 'leaky_relu' },
        ),
        training: epochs(8),
      },
    ],
  },
  {
    name: 'binary',
    dataset: { builtin: { generator: 'moons', rows: 500, noise: 0.2, seed: 1 } },
    jobs: [
      {
        seed: 2,
        model: hidden({ units: 12, activation: 'silu' }, { units: 8, activation: 'softsign' }),
        training: epochs(30),
      },
    ],
  },
  {
    name: 'regression',
    dataset: { builtin: { generator: 'plane', rows: 400, noise: 0.1, seed: 1 } },
    jobs: [
      {
        seed: 3,
        model: hidden(
          { units: 10, activation: 'elu', batch_norm: true },
          { units: 8, activation: 'softplus' },
          { units: 8, activation: 'selu' },
        ),
        training: epochs(20),
      },
    ],
  },
  {
    name: 'mixed',
    dataset: { csv: mixedCsv(), query: 'name=mixed&target=bought&types={"since":"date"}' },
    jobs: [
      {
        seed: 4,
        preprocessing: {
          missing_indicators: true,
          unseen_category: 'other',
          columns: {
            income: { log1p: true },
            size: { encoding: 'ordinal', order: ['S', 'M', 'L', 'XL'] },
          },
        },
        model: hidden({ units: 16, activation: 'tanh' }, { units: 8, activation: 'sigmoid' }),
        training: epochs(20),
      },
    ],
  },
  {
    name: 'ensemble',
    dataset: { builtin: { generator: 'wine' } },
    jobs: [5, 6, 7].map((seed) => ({
      seed,
      model: hidden({ units: 4 + seed, activation: 'relu', batch_norm: seed === 6 }),
      training: epochs(15),
    })),
  },
  {
    name: 'linear',
    dataset: { builtin: { generator: 'iris' } },
    jobs: [{ seed: 8, model: hidden(), training: epochs(30) }],
  },
  {
    name: 'perceptron',
    dataset: { builtin: { generator: 'gauss', rows: 200, noise: 0.1, seed: 1 } },
    jobs: [
      {
        seed: 9,
        model: { hidden: [], output: { activation: 'step' } },
        training: epochs(10, { optimizer: { type: 'perceptron' }, batch_size: 1 }),
      },
    ],
  },
]

/** Trains, registers, predicts and downloads; every case has a folder of its own under `root`. */
export async function makeCase(
  { baseUrl, apiKey }: { baseUrl: string; apiKey: string },
  kind: Kind,
  root: string,
): Promise<Case> {
  const folder = join(root, kind.name)
  await mkdir(folder, { recursive: true })
  const ask = async (method: string, path: string, body?: string | object, type?: string) => {
    const request = () =>
      fetch(baseUrl + path, {
        method,
        headers: {
          authorization: `Bearer ${apiKey}`,
          ...(body === undefined ? {} : { 'content-type': type ?? 'application/json' }),
        },
        ...(body === undefined
          ? {}
          : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
    // A busy machine may be told to come back.
    return await waitFor(
      `${path} is answered`,
      async () => {
        const response = await request()
        return response.status === 503 ? null : response
      },
      TRAINED_MS,
    )
  }
  const send = async (method: string, path: string, body?: string | object, type?: string) => {
    const response = await ask(method, path, body, type)
    if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`)
    return response
  }
  const { dataset } = kind
  const made =
    'csv' in dataset
      ? await send('POST', `/v1/datasets?${encodeURI(dataset.query)}`, dataset.csv, 'text/csv')
      : await send('POST', '/v1/datasets', dataset)
  const { id: dataset_id } = (await made.json()) as { id: string }
  const jobs = await Promise.all(
    kind.jobs.map(async (spec) => {
      const response = await send('POST', '/v1/jobs', { dataset_id, ...spec })
      const { id } = (await response.json()) as Job
      return await waitFor(
        `${kind.name} is trained`,
        async () => {
          const job = (await (await send('GET', `/v1/jobs/${id}`)).json()) as Job
          if (job.status === 'failed') throw new Error(JSON.stringify(job.error))
          return job.status === 'succeeded' ? job : null
        },
        TRAINED_MS,
      )
    }),
  )
  const [only] = jobs
  const registration =
    jobs.length === 1 ? { job_id: only?.id } : { members: jobs.map(({ id }) => ({ job_id: id })) }
  const registered = await send('POST', '/v1/models', { name: kind.name, ...registration })
  const version = modelVersionSchema.parse(await registered.json())
  if (version.signature === null) throw new Error('a new version has a signature')
  const records = makeRecords(version.signature)

  const download = async (file: string, query: string) => {
    const path = `/v1/models/${kind.name}/versions/latest/weights?${query}`
    const response = await ask('GET', path)
    // What a format has no words for is no file.
    if (response.status === 422) return
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`)
    await writeFile(join(folder, file), Buffer.from(await response.arrayBuffer()))
  }
  for (const [file, query] of FILES) await download(file, query)

  const weights = await send('GET', `/v1/models/${kind.name}/versions/latest/weights`)
  const document = (await weights.json()) as { format: string }
  const members =
    document.format === 'trainyard/1'
      ? [weightsDocumentSchema.parse(document)]
      : ensembleDocumentSchema.parse(document).members
  for (const [i, { preprocessing }] of members.entries()) {
    if (preprocessing === null) throw new Error('what a job trained has its preprocessing')
    const inputs = encodeRecords(preprocessing, { records })
    await writeFile(join(folder, `encoded.${i}.f32`), Buffer.from(inputs.buffer))
  }
  const expected: PredictionItem[] = []
  for (let at = 0; at < ROWS; at += RECORDS_PER_REQUEST) {
    const body = { records: records.slice(at, at + RECORDS_PER_REQUEST) }
    const response = await send('POST', `/v1/models/${kind.name}/predict`, body)
    expected.push(...((await response.json()) as { predictions: PredictionItem[] }).predictions)
  }
  await writeFile(join(folder, 'records.json'), JSON.stringify(records))
  await writeFile(
    join(folder, 'case.json'),
    JSON.stringify({
      rows: ROWS,
      signature: version.signature,
      members: members.map(({ architecture, preprocessing }) => ({
        architecture,
        target: preprocessing?.target ?? null,
      })),
    }),
  )
  const valueFloor = members[0]?.preprocessing?.target?.scale ?? 1
  return { name: kind.name, folder, expected, valueFloor }
}

const FILES = [
  ['model.json', 'format=json'],
  ['model.safetensors', 'format=safetensors'],
  ['torch.safetensors', 'format=safetensors&naming=torch'],
  ['model.npz', 'format=npz'],
  ['model.onnx', 'format=onnx'],
  ['named.onnx', 'format=onnx&inputs=named'],
  ['folded.onnx', 'format=onnx&fold_batch_norm=true'],
  ['model-tfjs.zip', 'format=tfjs'],
  ['model.mjs', 'format=esm'],
  ['bundle.zip', 'format=bundle'],
] as const

/** Over the whole range of each column and a little above, with missing values where they may be and levels never seen. */
function makeRecords({ inputs }: ModelSignature): Record<string, Cell>[] {
  const random = makeRandom(12_345)
  const cellOf = ({ type, required, min, max, levels }: ModelSignature['inputs'][number]): Cell => {
    if (!required && random() < 0.05) return null
    const [low, high] = [min ?? 0, max ?? 1]
    switch (type) {
      case 'boolean':
        return random() < 0.5
      case 'category':
        return random() < 0.05 ? 'never seen' : pick(levels ?? [], random())
      case 'date':
        return dateText(random())
      case 'number':
        return low + (high - low) * 1.05 * random()
    }
  }
  return Array.from({ length: ROWS }, () =>
    Object.fromEntries(inputs.map((input) => [input.name, cellOf(input)])),
  )
}

/** A hundred years around today, to the second. */
function dateText(share: number): string {
  const ms = Date.UTC(1950, 0, 1) + Math.floor(share * 3_155_760_000) * 1000
  return new Date(ms).toISOString().slice(0, 19)
}

function mixedCsv(): string {
  const random = makeRandom(99)
  const lines = Array.from({ length: 600 }, (_, row) => {
    const age = 18 + Math.floor(random() * 70)
    const income = Math.floor(random() ** 4 * 1e6)
    const town = pick(['Ulm', 'Bonn', 'Köln', 'Trier "Nord"'], random())
    const size = pick(['S', 'M', 'L', 'XL'], random())
    const member = random() < 0.4
    const score =
      (age - 50) / 20 + (town === 'Ulm' ? 1 : -0.3) + (member ? 0.5 : 0) + random() - 0.5
    const maybe = (cell: string | number | boolean) => (random() < 0.07 ? '' : cell)
    const cells = [
      maybe(age),
      maybe(income),
      // A large centre: in float32 its digits would be lost.
      1_700_000_000 + row + random(),
      maybe(`"${town.replaceAll('"', '""')}"`),
      maybe(size),
      maybe(member),
      maybe(dateText(random())),
    ]
    return [...cells, score > 0 ? 'yes' : 'no'].join(',')
  })
  return ['age,income,clock,town,size,member,since,bought', ...lines].join('\n')
}

function pick(values: readonly string[], share: number): string {
  return values[Math.floor(share * values.length)] ?? ''
}

/** Mulberry32: the same records on every machine. */
function makeRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
